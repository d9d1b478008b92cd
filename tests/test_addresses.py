import pytest

from besedka.project import addresses


@pytest.mark.parametrize(
    ("told", "hosts", "https", "found"),
    [
        ("https://chat.example/", [], False, "https://chat.example"),
        ("chat.example", [], False, "https://chat.example"),
        ("", ["localhost", "127.0.0.1", "chat.example"], True, "https://chat.example"),
        ("", ["*", ".example.com", "chat.example"], False, "http://chat.example"),
        ("", ["localhost"], True, "http://127.0.0.1:8000"),
    ],
)
def test_links_begin_where_people_reach_us(told, hosts, https, found):
    assert addresses.site(told, hosts, https=https, port=8000) == found
