"""How Django is best mounted behind the door: by WSGI in a pool of threads, or by its own ASGI application."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

import running  # noqa: E402 - the tests know how to run a server

TOOLS = Path(os.environ.get("BESEDKA_BENCH", ROOT.parent / "shared" / "bench"))
APP = """
import os
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "besedka.project.settings")
from starlette.applications import Starlette
from starlette.routing import Mount
from a2wsgi import WSGIMiddleware
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
by_wsgi = Starlette(routes=[Mount("/", WSGIMiddleware(get_wsgi_application(), workers=8))])
by_asgi = Starlette(routes=[Mount("/", get_asgi_application())])
"""


def main() -> int:
    """Measure both on two pages; print requests a second."""
    if not (TOOLS / "load_http.py").exists():
        print(f"Nothing is measured: the load generator is not in {TOOLS}.")
        return 0
    with tempfile.TemporaryDirectory() as name, running.server(Path(name) / "home") as server:
        Path(name, "mounts.py").write_text(APP, encoding="utf-8")
        for mount in ("by_wsgi", "by_asgi"):
            port = running.free_port()
            environment = {**os.environ, "BESEDKA_HOME": str(server.home)}
            command = [
                "taskset",
                "-c",
                "0",
                sys.executable,
                "-m",
                "uvicorn",
                f"mounts:{mount}",
                "--port",
                str(port),
            ]
            options = ["--log-level", "critical", "--no-access-log"]
            process = subprocess.Popen([*command, *options], cwd=name, env=environment)
            try:
                running.wait_for_port(port)
                for path in ("/health/", "/admin/login/"):
                    load = [
                        sys.executable,
                        str(TOOLS / "load_http.py"),
                        "poll",
                        "--base",
                        f"http://127.0.0.1:{port}",
                    ]
                    subprocess.run(
                        ["taskset", "-c", "1", *load, "--poll", path, "-n", "16", "-t", "2"], check=True
                    )
                    print(f"  ({mount} {path})", flush=True)
                    taken = ["taskset", "-c", "1", *load, "--poll", path, "-n", "16", "-t", "4"]
                    subprocess.run(taken, check=True)
            finally:
                process.terminate()
                process.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
