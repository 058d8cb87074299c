"""Whether a service promises to name itself in its answers."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from authplane.core.fetch import FetchFailed
from broker.providers.settings import OAuthSettings
from broker.upstream import issuer

ISSUER = "https://up.example.com"
DOCUMENT = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/authorize",
    "token_endpoint": f"{ISSUER}/token",
}


def promise(monkeypatch, document, *, named=ISSUER):
    def send(*_, **__):
        if document is None:
            raise FetchFailed("no answer")
        return SimpleNamespace(status=200, json=document)

    monkeypatch.setattr(issuer.fetch, "send", send)
    issuer._documents.forget()
    settings = OAuthSettings(client_id="c", authorize_url="", token_url="", issuer=named)
    return issuer.signs_answers(settings)


@pytest.mark.parametrize(
    ("member", "expected"), [(True, True), (False, False), ("true", False), (None, False)]
)
def test_the_document_says_so(monkeypatch, member, expected):
    document = DOCUMENT | {"authorization_response_iss_parameter_supported": member}
    assert expected is promise(monkeypatch, document)


def test_no_issuer_and_no_document_promise_nothing(monkeypatch):
    assert promise(monkeypatch, DOCUMENT, named="") is False
    assert promise(monkeypatch, None) is False
