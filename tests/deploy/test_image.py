"""What the Dockerfile says, done without a container engine; and what is in the image then."""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import behind_nginx
import dockerfile
import httpx2
import pytest
import running
from dockerfile import Stage

DOCKERFILE = running.ROOT / "deploy" / "Dockerfile"
SECRET = "mF8w-2kQz_77aRt0XbLpYd3sVuNeGhJc5iOq1ZTKxW9vEf4BpQ6sD0uYh3Lm"
LARGEST_MB = 700  # what the product may add to its base

faults = [pytest.mark.faults, pytest.mark.timeout(1800), pytest.mark.xdist_group("image")]


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> tuple[Stage, Path]:
    """The image, and the base that it stands on."""
    assert os.geteuid() == 0, "chroot is for root"
    work = tmp_path_factory.mktemp("image")
    base = dockerfile.base(work / "base")
    return dockerfile.build(DOCKERFILE, running.ROOT, base, work), base


@pytest.fixture
def settings(tmp_path) -> Iterator[dict[str, str]]:
    """What an installation tells the containers."""
    with running.scratch_database(behind_nginx.postgresql()) as database:
        yield {
            "DATABASE_URL": database,
            "REDIS_URL": behind_nginx.redis(),
            "SECRET_KEY": SECRET,
            "ALLOWED_HOSTS": "chat.example,127.0.0.1",
            "HOST": "127.0.0.1",  # of a container it is all; here the machine would be open
            "PORT": str(running.free_port()),
        }


def test_nothing_secret_and_nothing_built_goes_to_the_builder(tmp_path):
    for path in (".env", "deploy/.env", "var/secret_key", ".git/config", "src/besedka/.env", "src/besedka/a.pyc"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("secret")
    (tmp_path / "src/besedka/a.py").write_text("")
    (tmp_path / ".dockerignore").write_text((running.ROOT / ".dockerignore").read_text())

    assert dockerfile.sent(tmp_path) == [Path("src/besedka/a.py")]


class TestTheImage:
    """Built from the Dockerfile's own instructions."""

    pytestmark = faults

    def test_it_serves_as_nobody_special_and_says_that_it_is_well(self, built, settings):
        image, _ = built
        image.environment |= settings

        prepared = subprocess.run(image.chrooted(*image.entrypoint, "prepare"), capture_output=True, text=True)
        command = image.chrooted(*image.entrypoint, *image.command)
        serving = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            running.wait_until(lambda: well(image), within_s=120)
            users = {Path(f"/proc/{pid}").stat().st_uid for pid in (serving.pid, *children(serving.pid))}
            page = httpx2.get(f"http://127.0.0.1:{settings['PORT']}/", headers={"host": "chat.example"})
            examined = subprocess.run(image.chrooted(*image.entrypoint, "doctor"), capture_output=True, text=True)
        finally:
            serving.terminate()
            began = time.monotonic()
            serving.wait(timeout=30)

        assert prepared.returncode == 0, prepared.stderr
        assert users == {10001}
        assert page.status_code == 200
        assert "✗" not in examined.stdout
        assert serving.returncode in (0, -15)
        assert time.monotonic() - began < 25

    def test_it_is_small_and_its_programs_cannot_be_changed_by_who_runs_them(self, built):
        image, base = built
        size = dockerfile.size_mb(image.root, base)
        print(f"The product adds {size} MB to its base.")

        writable = subprocess.run(
            image.chrooted("find", "/opt", "/usr", "/etc", "-writable", "-not", "-type", "l"),
            capture_output=True,
            text=True,
        ).stdout
        assert size < LARGEST_MB
        assert writable == ""
        assert not (image.root / "src").exists()

    def test_static_files_are_laid_out_where_nginx_finds_them(self, built, settings):
        image, _ = built
        image.environment |= settings

        laid = subprocess.run(
            image.chrooted(*image.entrypoint, "manage", "collectstatic", "--noinput"),
            capture_output=True,
            text=True,
        )

        assert laid.returncode == 0, laid.stderr
        assert (image.root / "srv/besedka/static/besedka/widget.js").stat().st_size > 1000


def well(image: Stage) -> bool:
    """Whether the image's own health check passes."""
    return subprocess.run(image.chrooted(*image.healthcheck), capture_output=True).returncode == 0


def children(pid: int) -> list[int]:
    """The processes that this one began."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
