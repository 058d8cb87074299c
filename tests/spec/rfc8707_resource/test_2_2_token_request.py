"""RFC 8707 section 2.2: the resource at the token endpoint."""

from __future__ import annotations

import pytest

from tests.support.digests import nothing_changes
from tests.support.factories import make_resource
from tests.support.record import reasons
from tests.support.refusals import INVALID_TARGET, assert_refused


@pytest.mark.spec("RFC 8707", "2.2", "SHOULD", "the audience is the requested resource")
@pytest.mark.spec(
    "MCP 2026-07-28", "resource parameter", "MUST", "tokens are for the resource that was asked for"
)
def test_the_audience_is_the_registered_form(scene):
    spellings = [
        scene.resource.uri,
        scene.resource.uri + "/",
        scene.resource.uri.replace("https://", "HTTPS://").replace("example", "EXAMPLE"),
        scene.resource.uri.replace(".com/", ".com:443/"),
        scene.resource.slug,
    ]
    for spelling in spellings:
        answer = scene.client.redeem(scene.authorize(), resource=spelling)
        assert answer.status_code == 200, spelling
        token = answer.json()["access_token"]
        assert scene.client.claims(token)["aud"] == [scene.resource.uri]

    with nothing_changes():
        assert_refused(
            scene.machine.client_credentials(resource=scene.resource.uri.upper()), INVALID_TARGET
        )


def test_it_may_be_left_out(scene):
    answer = scene.client.redeem(scene.authorize(), resource=None)

    assert scene.client.claims(answer.json()["access_token"])["aud"] == [scene.resource.uri]


def test_without_a_resource_anywhere_the_token_is_for_the_issuer(scene):
    answer = scene.client.redeem(scene.authorize(resource=None), resource=None)

    assert scene.client.claims(answer.json()["access_token"])["aud"] == [scene.client.issuer]


@pytest.mark.spec("RFC 8707", "2.2", "MUST", "a code for one resource yields no token for another")
@pytest.mark.spec("RFC 8707", "2", "MUST", "an unknown resource is invalid_target")
def test_another_resource_than_authorized_is_refused_and_spends_nothing(scene):
    authorization, other = scene.authorize(), make_resource()
    attempts = {
        other.uri: "resource_mismatch",
        other.slug: "resource_mismatch",
        scene.client.issuer: "resource_mismatch",
        "https://unknown.example.com": "resource_unknown",
        scene.resource.uri + "/deeper": "resource_unknown",
        scene.resource.uri + "?x=1": "resource_unknown",
        scene.resource.uri + "#part": "resource_unknown",
        "not a uri": "resource_unknown",
    }
    with nothing_changes():
        for resource in attempts:
            assert_refused(scene.client.redeem(authorization, resource=resource), INVALID_TARGET)
        assert_refused(
            scene.client.redeem(authorization, resource=[scene.resource.uri, other.uri]),
            INVALID_TARGET,
        )
        assert_refused(scene.client.redeem(authorization, audience=other.uri), INVALID_TARGET)

    assert reasons("token.issue_denied")[: len(attempts)] == list(attempts.values())
    assert scene.client.redeem(authorization).status_code == 200


def test_the_wrong_verifier_is_told_before_the_wrong_resource(scene):
    """Or the answer would tell the thief of a code what the code is for."""
    authorization, other = scene.authorize(), make_resource()

    answer = scene.client.redeem(authorization, resource=other.uri, code_verifier="x" * 43)

    assert answer.json()["error"] == "invalid_grant"


def test_a_resource_removed_meanwhile_is_still_the_one_the_user_agreed_to(scene):
    from oauth.models import ConsentGrant
    from oauth.resources import selectors

    authorization = scene.authorize()
    ConsentGrant.objects.all().delete()
    scene.resource.delete()
    selectors.drop()

    assert scene.client.redeem(authorization).status_code == 200
