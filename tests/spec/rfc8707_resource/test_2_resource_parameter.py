from __future__ import annotations

import pytest

from oauth.errors import OAuthError, Reason
from oauth.resources.indicators import require_same_resource, resolve_resource
from tests.support.factories import make_resource

pytestmark = pytest.mark.django_db

URI = "https://MCP.example.com/Files"


@pytest.fixture(autouse=True)
def files():
    return make_resource(slug="files", uri=URI)


def refusal(values):
    with pytest.raises(OAuthError) as refused:
        resolve_resource(values)
    return refused.value


@pytest.mark.spec("RFC 8707", "2", "MUST", "the resource parameter names the audience")
@pytest.mark.parametrize(
    "value",
    ["files", URI, "https://mcp.example.com/Files", "https://mcp.example.com:443/Files/"],
)
def test_a_resource_is_found_in_every_equal_spelling_and_keeps_its_own(value):
    assert URI == resolve_resource([value]).uri


@pytest.mark.spec("RFC 8707", "2", "MUST", "an unknown or malformed resource is invalid_target")
@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        "FILES",
        "https://mcp.example.com/files",
        "https://mcp.example.com/Files//",
        "https://mcp.example.com/Files?x=1",
        "https://mcp.example.com/Files#part",
        "https://mcp.example.com:8443/Files",
        "http://mcp.example.com/Files",
        "https://user@mcp.example.com/Files",
        "https://mcp.example.com.evil.example/Files",
        "https://mcp.example.com/Files\x00",
        "\ud800",
        "https://[",
        "files/",
    ],
)
def test_anything_else_is_refused(value):
    refused = refusal([value])

    assert (Reason.RESOURCE_UNKNOWN, "invalid_target", 400) == (
        refused.reason, refused.error, refused.status_code,
    )  # fmt: skip


def test_several_spellings_of_one_resource_are_one_resource():
    assert URI == resolve_resource(["files", URI, "https://mcp.example.com/Files/"]).uri


def test_several_resources_are_refused():
    other = make_resource()

    refused = refusal(["files", other.uri])

    assert (Reason.RESOURCE_SEVERAL, "invalid_target") == (refused.reason, refused.error)


def test_one_unknown_among_known_ones_is_refused():
    assert Reason.RESOURCE_UNKNOWN is refusal(["files", "nowhere"]).reason


def test_without_a_value_it_is_the_server_itself(override_config):
    override_config(server={"issuer": "https://auth.example.com"})

    assert "https://auth.example.com" == resolve_resource([]).uri


def test_a_resource_without_a_uri_has_no_tokens():
    make_resource(slug="unaddressed", uri="")

    assert Reason.RESOURCE_UNKNOWN is refusal(["unaddressed"]).reason


class TestLaterRequests:
    @pytest.mark.parametrize("values", [[], [URI], ["files", "https://mcp.example.com/Files/"]])
    def test_the_same_resource_may_be_named_again(self, values):
        require_same_resource(values, registered=URI)

    @pytest.mark.spec("RFC 8707", "2.2", "MUST", "a later request stays within the grant")
    @pytest.mark.parametrize(
        ("value", "reason"),
        [
            ("", Reason.RESOURCE_UNKNOWN),
            ("nowhere", Reason.RESOURCE_UNKNOWN),
            ("https://mcp.example.com/", Reason.RESOURCE_UNKNOWN),
            ("account", Reason.RESOURCE_MISMATCH),
        ],
    )
    def test_another_is_refused(self, value, reason):
        with pytest.raises(OAuthError) as refused:
            require_same_resource([URI, value], registered=URI)

        assert (reason, "invalid_target") == (refused.value.reason, refused.value.error)

    def test_a_resource_removed_meanwhile_is_still_the_same(self, files):
        files.delete()

        require_same_resource(["https://mcp.example.com/Files/"], registered=URI)
