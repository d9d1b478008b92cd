"""How much one may ask for."""

import time

import httpx2
import make
import pytest
import running

from besedka.accounts.rates import name_for_others
from besedka.conversations.models import Inbox
from besedka.door.limits import Rate, RateLimited, Rates, network_of

MESSAGES = "/api/v1/conversation/messages"


def test_a_rate_lets_a_burst_through_and_then_so_many_a_second():
    rate = Rate("test", burst=3, per_s=2)

    for _ in range(3):
        rate.take("anna", now=100)
    with pytest.raises(RateLimited) as refusal:
        rate.take("anna", now=100)
    rate.take("boris", now=100)
    rate.take("anna", now=100.6)

    assert refusal.value.headers() == {
        "Retry-After": "1",
        "RateLimit-Policy": '"test";q=3;w=2',
        "RateLimit": '"test";r=0;t=1',
    }


def test_what_one_process_lets_through_is_missing_in_the_other_soon():
    here, there = Rates(on=True), Rates(on=True)
    assert here.tell() is None
    for _ in range(60):
        here.messages.take("anna")

    there.hear("here", here.tell())

    assert here.tell() is None
    with pytest.raises(RateLimited):
        there.messages.take("anna")
    there.messages.take("boris")
    there.reads.take("anna")


def test_what_was_let_through_elsewhere_grows_again_as_it_does_here():
    rate = Rate("test", burst=10, per_s=2)

    rate.hear({name_for_others("anna"): 10}, now=100)
    rate.hear({name_for_others("anna"): 4}, now=101)
    for _ in range(2):
        rate.take("anna", now=104)

    with pytest.raises(RateLimited):
        rate.take("anna", now=101)
    with pytest.raises(ValueError, match="Expected"):
        Rates(on=True).hear("there", {"messages": ["anna"]})


@pytest.mark.parametrize(
    ("host", "forwarded", "proxies", "network"),
    [
        ("10.0.0.1", "1.2.3.4", 0, "10.0.0.1"),
        ("10.0.0.1", "6.6.6.6, 1.2.3.4", 1, "1.2.3.4"),
        ("10.0.0.1", "6.6.6.6, 1.2.3.4, 10.0.0.2", 2, "1.2.3.4"),
        ("10.0.0.1", "", 1, "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "", 0, "2001:db8:1:2::/64"),
        ("::ffff:1.2.3.4", "", 0, "1.2.3.4"),
        ("10.0.0.1", "nonsense", 1, "nonsense"),
    ],
)
def test_who_asks_cannot_be_forged(host, forwarded, proxies, network):
    assert network_of(host, forwarded, proxies) == network


@pytest.mark.xdist_group("limited")
def test_a_token_that_writes_too_fast_is_told_to_wait_and_loses_nothing(limited_site: running.Server):
    headers = {"chat-token": make.token()}

    statuses, refused = [], None
    with httpx2.Client(headers=headers) as client:
        for number in range(70):
            response = client.post(limited_site.url + MESSAGES, json={"text": f"hello {number}"})
            statuses.append(response.status_code)
            refused = response if response.status_code == 429 else refused
    time.sleep(1)
    log = httpx2.get(limited_site.url + MESSAGES, headers=headers).json()["messages"]

    assert set(statuses) == {201, 429}
    assert statuses.count(201) >= 60
    assert refused.json()["code"] == "rate_limited"
    assert int(refused.headers["Retry-After"]) >= 1
    assert "RateLimit-Policy" in refused.headers
    assert len([message for message in log if message["author"] == "contact"]) >= 60 or len(log) == 100


@pytest.mark.xdist_group("limited")
@pytest.mark.parametrize("path", ["/gpt", "/gpt/", "/api/v1/gpt", "/api/v1/gpt/"])
def test_no_other_spelling_of_the_path_gets_around_the_limit(limited_site: running.Server, path):
    headers = {"chat-token": "spelling-token", "X-Forwarded-For": "6.6.6.6"}

    with httpx2.Client(headers=headers) as client:
        statuses = [client.post(limited_site.url + path, json={"message": "hello"}).status_code for _ in range(65)]

    assert 429 in statuses


@pytest.mark.xdist_group("strangers")
def test_one_address_cannot_make_up_visitors_without_end_and_known_ones_go_on(tmp_path):
    with running.server(tmp_path / "home", BESEDKA_RATE_LIMITS="on") as site:
        known = {"chat-token": "a-known-visitor"}
        httpx2.post(site.url + MESSAGES, json={"text": "hello"}, headers=known)

        with httpx2.Client() as client:
            statuses = [
                client.post(
                    site.url + MESSAGES, json={"text": "x"}, headers={"chat-token": f"stranger-{number:06}"}
                ).status_code
                for number in range(200)
            ]
        again = httpx2.post(site.url + MESSAGES, json={"text": "hello"}, headers=known)

    assert statuses.count(429) > 50
    assert again.status_code == 201


@pytest.mark.django_db
def test_an_inbox_that_lists_its_sites_admits_no_other(client):
    inbox = make.inbox(allowed_origins=["https://shop.example/"], is_default=True)

    reception = make.reception(Inbox.objects.get(pk=inbox.pk))

    assert reception.admits("https://shop.example")
    for origin in ("https://evil.example", "null", "https://shop.example.evil.example", "http://shop.example", ""):
        assert not reception.admits(origin)
