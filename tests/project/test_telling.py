"""A process that serves no pages tells its figures at a port of its own, to whoever shows the token."""

import httpx2
import pytest
import running

from besedka.project import telling

TOKEN = "a-token-of-whoever-watches-over-us"


@pytest.fixture
def port(settings, tmp_path) -> int:
    """A port that is free."""
    settings.HOME, settings.METRICS_TOKEN, settings.HOST = tmp_path, TOKEN, "127.0.0.1"
    return running.free_port()


def ask(port: int, token: str = "", path: str = "/metrics") -> httpx2.Response:
    """What is answered there."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx2.get(f"http://127.0.0.1:{port}{path}", headers=headers, timeout=30)


def test_a_worker_tells_its_figures_to_who_shows_the_token(port):
    with telling.figures("worker", port=port):
        figures = ask(port, TOKEN)

        assert [ask(port).status_code, ask(port, TOKEN[:-1]).status_code] == [401, 401]
        assert ask(port, TOKEN, "/").status_code == 404

    assert (figures.status_code, figures.headers["Content-Type"].partition(";")[0]) == (200, "text/plain")
    assert 'besedka_turns_running{process="worker-0"}' in figures.text


def test_of_two_workers_at_one_port_the_first_tells_the_figures_of_both(port):
    with telling.figures("worker", port=port), telling.figures("worker", port=port):
        running.wait_until(lambda: "worker-1" in ask(port, TOKEN).text)

        assert 'process="worker-0"' in ask(port, TOKEN).text


def test_without_a_token_nothing_listens_and_nothing_is_written(port, settings):
    settings.METRICS_TOKEN = ""

    with telling.figures("worker", port=port), pytest.raises(httpx2.ConnectError):
        ask(port)

    assert [*settings.HOME.iterdir()] == []
