"""Where a browser may be sent after connecting."""

from __future__ import annotations

import pytest

from broker.connect.return_urls import callback_url, is_allowed

LISTED = ("http://localhost:*", "https://app.example.com/done", "https://app.example.com/*")
TABLE = {
    "http://localhost:9000/connections": True,
    "http://localhost:9000/connections/": True,  # by the pattern
    "http://localhost:5173": True,
    "http://localhost:5173/cb?x=1": True,
    "http://localhost:5173?x=1": False,
    "http://localhost:5173#x": False,
    "http://localhost/cb": False,
    "http://localhost:80@evil.example/": False,
    "http://localhost:/cb": False,
    "http://localhost:80/\nx": False,
    "http://localhost:80\\@evil.example/": False,
    "http://localhost:*": False,
    "http://127.0.0.1:5173/": False,
    "http://[::1]:5173/": False,
    "https://localhost:5173": False,
    "https://app.example.com/done": True,
    "https://app.example.com/other": False,
    "https://app.example.com/done?x": False,
    "javascript:alert(1)": False,
    "//evil.example": False,
}


@pytest.mark.shows("setting", "connect.allowed_return_urls")
@pytest.mark.parametrize(("url", "expected"), TABLE.items())
def test_table(override_config, url, expected):
    override_config(connect={"allowed_return_urls": LISTED})
    assert expected is is_allowed(url)


@pytest.mark.parametrize("url", ["https://as.example.com/connections/", "http://localhost:1"])
def test_nothing_but_our_own_page_without_a_list(override_config, url):
    override_config(server={"issuer": "https://as.example.com"})
    assert is_allowed("https://as.example.com/connections")
    assert not is_allowed(url)


@pytest.mark.shows("setting", "connect.redirect_base_url")
def test_the_base_of_callbacks(override_config):
    override_config(connect={"redirect_base_url": "https://front.example.com/as/"})

    assert "https://front.example.com/as/connect/forge/callback" == callback_url("forge")
    assert is_allowed("https://front.example.com/as/connections")
    assert is_allowed("http://localhost:9000/connections")


@pytest.mark.parametrize(
    ("members", "text"),
    [
        ({"state_secret": "short"}, "AUTHPLANE_CONNECT_STATE_SECRET must have at least 32"),
        ({"redirect_base_url": "http://as.example.com"}, "REDIRECT_BASE_URL must be https"),
        ({"allowed_return_urls": ("https://a.example/*",)}, "ALLOWED_RETURN_URLS: "),
        ({"allowed_return_urls": ("javascript:alert(1)",)}, "ALLOWED_RETURN_URLS: "),
        ({"allowed_return_urls": ("http://localhost:*",)}, ""),
    ],
)
def test_settings_that_cannot_be_obeyed_stop_the_start(override_config, members, text):
    from authplane.core.config import config
    from authplane.core.validation import rule_problems

    override_config(connect=members)
    found = [problem for problem in rule_problems(config()) if "CONNECT" in problem]
    assert [text in problem for problem in found] == [True] * bool(text)
