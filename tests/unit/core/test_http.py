"""The one error body."""

from __future__ import annotations

import json

import pytest
from django.test import RequestFactory

from authplane.core.config import override_config
from authplane.core.http import error_response, json_response, prefers_html


def refusal(accept=None, **options):
    headers = {} if accept is None else {"accept": accept}
    options = {"error": "invalid_grant", "description": "no", "status": 400} | options
    return error_response(RequestFactory().get("/", headers=headers), **options)


@pytest.mark.shows("setting", "server.issuer")
def test_the_members_of_the_error_body_in_their_order():
    response = refusal()

    assert list(json.loads(response.content)) == [
        "error", "error_description", "type", "title", "detail", "status",
    ]  # fmt: skip
    assert json.loads(response.content) == {
        "error": "invalid_grant",
        "error_description": "no",
        "type": "http://localhost:9000/docs/errors#invalid_grant",
        "title": "Bad Request",
        "detail": "no",
        "status": 400,
    }


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (None, "application/problem+json"),
        ("*/*", "application/problem+json"),
        ("application/json", "application/json"),
        ("Application/JSON;q=0.9, */*", "application/json"),
        ("application/json, application/problem+json", "application/problem+json"),
        ("application/json, application/problem+json;q=0", "application/json"),
        ("application/json;q=0", "application/problem+json"),
        ("application/json;q=0.0", "application/problem+json"),
        ("text/html", "application/problem+json"),
        ("application/jsonx", "application/problem+json"),
        (", ;q=1,", "application/problem+json"),
    ],
)
def test_the_media_type_follows_accept(accept, media_type):
    response = refusal(accept)

    assert response.headers["Content-Type"] == media_type
    assert response.headers["Vary"] == "Accept"


@pytest.mark.spec("RFC 6749", "5.1", "MUST", "answers with tokens or errors are not stored")
def test_neither_errors_nor_answers_are_stored():
    for response in (refusal(), json_response({"a": 1})):
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["Pragma"] == "no-cache"


def test_extra_members_without_a_value_are_left_out():
    body = json.loads(refusal(consent_url="https://x", cause=None).content)

    assert body["consent_url"] == "https://x"
    assert "cause" not in body
    assert None not in body.values()


def test_headers_are_added():
    assert refusal(headers={"Retry-After": "3"}).headers["Retry-After"] == "3"


@pytest.mark.shows("setting", "oauth.error_type_base")
@pytest.mark.parametrize(
    ("base", "expected"),
    [
        ("https://docs.example/errors/", "https://docs.example/errors/invalid_grant"),
        ("https://docs.example/errors", "https://docs.example/errors#invalid_grant"),
        ("https://docs.example/?code=", "https://docs.example/?code=invalid_grant"),
    ],
)
def test_the_base_of_error_types_can_be_replaced(base, expected):
    with override_config(oauth={"error_type_base": base}):
        assert json.loads(refusal().content)["type"] == expected


def test_a_cacheable_answer_loses_the_old_no_cache_header():
    response = json_response({}, headers={"Cache-Control": "public, max-age=300"})

    assert response.headers["Cache-Control"] == "public, max-age=300"
    assert "Pragma" not in response.headers


@pytest.mark.parametrize(
    ("accept", "expected"),
    [("text/html,*/*;q=0.8", True), ("*/*", False), ("", False), ("text/html;q=0", False)],
)
def test_only_browsers_prefer_html(accept, expected):
    assert prefers_html(accept) is expected
