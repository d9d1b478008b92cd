"""What the compose file names exists in the product, and only nginx is open."""

import importlib.util
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import running
import yaml
from django.urls import Resolver404, resolve

from besedka.cli.parser import make_parser
from besedka.door import limits

DEPLOY = running.ROOT / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "BESEDKA_IMAGE" in service["image"]}
OF_COMPOSE = {"CERTIFICATES", "HTTPS_PORT", "HTTP_PORT", "NGINX_SERVER", "POSTGRES_PASSWORD", "REDIS_PASSWORD"}
TOOLS = Path(sys.executable).parent


def settings_page() -> Any:
    spec = importlib.util.spec_from_file_location("settings_page", running.ROOT / "docs" / "settings_page.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def variables_of(text: str) -> set[str]:
    return set(re.findall(r"^#?([A-Z][A-Z0-9_]+)=", text, re.MULTILINE))


@pytest.mark.parametrize(
    ("schema", "file"),
    [
        ("vendor.compose-spec", "deploy/compose.yml"),
        *(
            ("vendor.github-workflows", f".github/workflows/{path.name}")
            for path in sorted((running.ROOT / ".github/workflows").glob("*.yml"))
        ),
    ],
)
def test_the_file_is_as_its_schema_says(schema, file):
    checked = subprocess.run(
        [TOOLS / "check-jsonschema", "--builtin-schema", schema, running.ROOT / file],
        capture_output=True,
        text=True,
    )

    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize(
    "command",
    [
        ["zizmor", "--offline", "--quiet", "--min-severity", "medium", ".github/workflows"],
        ["hadolint", "deploy/Dockerfile"],
    ],
    ids=lambda command: command[0],
)
def test_nothing_is_found_by_those_who_look_for_weak_places(command):
    looked = subprocess.run([TOOLS / command[0], *command[1:]], cwd=running.ROOT, capture_output=True, text=True)

    assert looked.returncode == 0, looked.stdout + looked.stderr


def test_every_action_is_pinned_to_a_commit_that_cannot_be_moved():
    texts = [path.read_text() for path in (running.ROOT / ".github/workflows").glob("*.yml")]
    used = re.findall(r"uses: (?!\./)(\S+)", "\n".join(texts))

    assert used
    assert all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action) for action in used)


def test_only_nginx_has_a_port_and_nothing_else_is_on_the_open_net():
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["nginx"]
    assert [name for name, service in SERVICES.items() if "outside" in service["networks"]] == ["nginx"]


def test_every_process_of_the_product_is_there():
    assert set(OURS) == {"migrate", "web-a", "web-b", "worker", "beat", "telegram", "flower"}


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_command_is_one_of_the_products(name):
    command = [re.sub(r"\$\{\w+:-(.*)\}", r"\1", word) for word in OURS[name]["command"]]
    if OURS[name].get("entrypoint"):
        command = [word for part in shlex.split(command[0].replace("&&", ";")) for word in [part]]
        spoken = " ".join(command).split(";")
    else:
        spoken = ["besedka " + " ".join(command)]

    for one in spoken:
        program, *arguments = one.split()
        assert program == "besedka"
        if arguments[0] != "manage":
            make_parser().parse_args(arguments)


def test_every_service_is_bounded_starts_again_and_what_others_wait_for_says_how_it_is():
    waited_for = {
        (other, how["condition"])
        for service in SERVICES.values()
        for other, how in service.get("depends_on", {}).items()
    }
    for name, service in SERVICES.items():
        if name == "migrate":
            assert service["restart"] == "no"
            continue
        assert service["restart"] == "unless-stopped"
        assert {"memory", "cpus"} <= set(service["deploy"]["resources"]["limits"])
    for name, condition in waited_for:
        assert condition == "service_completed_successfully" or "test" in SERVICES[name]["healthcheck"]


def test_our_containers_write_only_where_they_must_and_gain_no_rights():
    for service in OURS.values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert "privileged" not in service


@pytest.mark.parametrize("path", re.findall(r"/health[a-z/]*/", (DEPLOY / "compose.yml").read_text()))
def test_every_address_of_health_exists(path):
    try:
        found = resolve(path)
    except Resolver404:
        found = None

    assert found is not None


def test_no_secret_stands_in_the_file():
    told = [pair for service in SERVICES.values() for pair in service.get("environment", {}).items()]
    secrets = {name: value for name, value in told if re.search("PASSWORD|SECRET|AUTH|_URL|_KEY", name)}

    assert {"POSTGRES_PASSWORD", "REDISCLI_AUTH", "DATABASE_URL"} <= secrets.keys()
    assert all(re.search(r"\$\{\w+_PASSWORD:\?", value) for value in secrets.values())


def test_every_variable_that_the_file_asks_for_is_explained_in_the_example():
    asked = set(re.findall(r"\$\{(\w+)", (DEPLOY / "compose.yml").read_text()))

    assert asked <= variables_of((DEPLOY / ".env.example").read_text())


def test_every_setting_of_the_product_is_explained_in_the_example():
    page = settings_page()
    known = {name for _, name, _, _ in page.LINE.findall(page.SETTINGS.read_text(encoding="utf-8"))}
    example = page.EXAMPLE.read_text(encoding="utf-8")

    assert known <= variables_of(example)
    assert example == page.example()


def test_every_variable_in_the_example_has_somebody_who_reads_it():
    page = settings_page()
    known = {name for _, name, _, _ in page.LINE.findall(page.SETTINGS.read_text(encoding="utf-8"))}
    asked = set(re.findall(r"\$\{(\w+)", (DEPLOY / "compose.yml").read_text()))

    assert variables_of((DEPLOY / ".env.example").read_text()) <= known | asked


def test_every_file_that_is_mounted_is_there():
    mounted = re.findall(r"- \./([\w./${}:-]+?):/", (DEPLOY / "compose.yml").read_text())

    assert mounted
    for path in mounted:
        for mode in ("plain", "tls"):
            assert (DEPLOY / re.sub(r"\$\{NGINX_SERVER:-\w+\}", mode, path)).is_file()


def test_every_variable_of_nginxs_files_is_given_and_every_given_one_is_used():
    text = "".join(path.read_text() for path in (DEPLOY / "nginx.conf", *(DEPLOY / "nginx").glob("*.conf")))
    given = {name for name in SERVICES["nginx"]["environment"] if not name.startswith("NGINX_ENVSUBST")}

    assert set(re.findall(r"\$\{(NGINX_\w+)\}", text)) == given


def test_the_product_speaks_with_as_many_proxies_as_there_are():
    assert SERVICES["web-a"]["environment"]["BESEDKA_TRUSTED_PROXIES"] == "1"


def test_nginx_takes_bodies_as_large_as_the_product_does():
    said = re.findall(r"client_max_body_size (\d+)m;", (DEPLOY / "nginx.conf").read_text())

    assert [int(size) * 1024 * 1024 for size in said] == [limits.LARGEST]
