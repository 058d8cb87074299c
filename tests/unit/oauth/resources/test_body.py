from __future__ import annotations

import pytest

from oauth.resources.body import read_body


def problems(**body):
    return [str(problem) for problem in read_body(body, required=())[1]]


def accepted(**body):
    values, wrong = read_body(body, required=())
    assert [] == wrong
    return values


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "https://mcp.example.com",
        "https://mcp.example.com/a/b?c=d",
        "http://localhost:3000/mcp",
        "https://[2001:db8::1]:8443/",
    ],
)
def test_uris_stay_byte_for_byte(uri):
    assert {"uri": uri} == accepted(uri=uri)


@pytest.mark.parametrize(
    "uri",
    [
        "mcp.example.com",
        "/mcp",
        "urn:example:mcp",
        "ftp://example.com/",
        "https://",
        "https:///path",
        "https://example.com/#part",
        "https://example.com/#",
        "https://user@example.com/",
        "https://example.com/with space",
        "https://example.com/\x00",
        "https://example.com/\n",
        "https://exämple.com/",
        "https://example.com:99999/",
        "https://example.com:0/",
        "https://[::1/",
        "https://example.com/" + "a" * 2048,
        17,
    ],
)
def test_what_is_no_audience_is_refused(uri):
    (problem,) = problems(uri=uri)

    assert problem.startswith("uri ")


@pytest.mark.parametrize("slug", ["a", "0", "files-2", "a" * 64])
def test_slugs(slug):
    assert {"slug": slug} == accepted(slug=slug)


def test_slugs_are_lower_cased():
    assert {"slug": "files"} == accepted(slug="Files")


@pytest.mark.parametrize("slug", ["", "-a", "a_b", "a.b", "a/b", "a" * 65, "ä", "a\n", 5, ["a"]])
def test_what_is_no_slug_is_refused(slug):
    (problem,) = problems(slug=slug)

    assert problem.startswith("slug ")


def test_scopes_keep_what_they_say():
    scopes = [
        {"default": True, "name": "files:read", "description": "Read files.", "upstream": ""},
        {"name": "files:write", "description": None},
    ]

    assert [
        {"name": "files:read", "description": "Read files.", "default": True},
        {"name": "files:write"},
    ] == accepted(scopes=scopes)["scopes"]


@pytest.mark.parametrize(
    ("scope", "complaint"),
    [
        ("read", "must be an object"),
        ({}, "must have a name"),
        ({"name": ""}, "must have a name"),
        ({"name": "two words"}, "must have a name"),
        ({"name": 'quo"te'}, "must have a name"),
        ({"name": "back\\slash"}, "must have a name"),
        ({"name": "a\n"}, "must have a name"),
        ({"name": "a", "colour": "red"}, "unknown member colour"),
        ({"name": "a", "description": 5}, "must have a description"),
        ({"name": "a", "description": "line\nbreak"}, "must have a description"),
        ({"name": "a", "upstream": 5}, "must have one upstream scope"),
        ({"name": "a", "default": "yes"}, "must have true or false"),
        ({"name": "offline_access"}, "must not be offline_access"),
    ],
)
def test_what_is_no_scope_is_refused(scope, complaint):
    (problem,) = problems(scopes=[scope])

    assert problem.startswith("scopes[0] ")
    assert complaint in problem


def test_a_repeated_scope_is_refused():
    (problem,) = problems(scopes=[{"name": "a"}, {"name": "b"}, {"name": "a"}])

    assert "scopes[2] repeats a name" == problem


def test_a_policy_has_all_its_lists_and_no_others():
    policy = {"runtime": {"client_ids": ["b", "a", "b"]}, "connect": {"x": 1}}

    assert {
        "exchange": {"allowed_client_ids": []},
        "runtime": {"client_ids": ["b", "a"]},
    } == accepted(policy=policy)["policy"]


@pytest.mark.parametrize(
    "policy",
    [
        [],
        {"runtime": []},
        {"runtime": {"client_ids": "a"}},
        {"runtime": {"client_ids": [""]}},
        {"runtime": {"client_ids": [" "]}},
        {"runtime": {"client_ids": [1]}},
        {"runtime": {"clients": []}},
        {"elsewhere": {}},
    ],
)
def test_what_is_no_policy_is_refused(policy):
    assert 1 == len(problems(policy=policy))


def test_everything_wrong_is_said_at_once():
    _values, wrong = read_body(
        {"id": "x", "uri": "nowhere", "scopes": [{}, 5], "backend_kind": "magic",
         "broker_provider_id": "p"},
        required=("slug", "backend_kind"),
    )  # fmt: skip

    assert {
        "id", "slug", "uri", "scopes[0]", "scopes[1]", "backend_kind", "broker_provider_id",
    } == {problem.field for problem in wrong}  # fmt: skip
    assert 7 == len(wrong)


def test_null_is_absent():
    assert {} == accepted(slug=None, uri=None, scopes=None, policy=None)
