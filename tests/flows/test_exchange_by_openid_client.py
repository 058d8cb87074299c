"""openid-client, unmodified, exchanges a user's token and binds what it gets to its own key."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.support import factories, node
from tests.support.exchanging import ACCESS_TOKEN, EXCHANGE
from tests.support.oauth_client import OAuthClient

pytestmark = [pytest.mark.server, pytest.mark.node, pytest.mark.slow]
PATIENCE = 60


def run(script, *arguments):
    """What the client reports at its end."""
    finished = subprocess.run(
        [str(node.find_node()), script, *arguments],
        cwd=node.FOLDER, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    _, done, facts = finished.stdout.partition("DONE ")
    assert done, finished.stderr[-3000:]
    return json.loads(facts)


@pytest.mark.parametrize("required", ["false", "true"], ids=["no nonce", "with nonces"])
def test_it_is_refused_over_consent_and_gets_a_bound_token(transactional_db, server, required):
    from oauth.models import ConsentGrant

    gateway = factories.make_confidential_client(grant_types=[EXCHANGE])
    front = factories.make_resource(policy={"runtime": {"client_ids": [gateway.row.client_id]}})
    back = factories.make_resource(
        slug="back", policy={"exchange": {"allowed_client_ids": [gateway.row.client_id]}}
    )
    user, agent = factories.make_user(), factories.make_client()
    ConsentGrant.objects.create(user=user, client=agent, resource=back, scopes=["read"])
    url = server(AUTHPLANE_DPOP_REQUIRE_NONCE=required).url
    driver = OAuthClient.at(url, client_id=agent.client_id, resource=front.uri, scope="read write")
    token = driver.tokens(factories.person(user))["access_token"]

    facts = run(
        "openid-client-exchange.mjs", url, gateway.row.client_id, gateway.secret, token, "back"
    )

    assert ("consent_required", "scope_insufficient") == (
        facts["refused"]["error"], facts["refused"]["cause"],
    )  # fmt: skip
    assert facts["refused"]["url"].startswith(f"{url}/consent/grant?request=")
    assert (ACCESS_TOKEN, "dpop", "read") == (facts["issued"], facts["type"], facts["scope"])
    assert {"jkt": facts["key"]} == driver.claims(facts["token"])["cnf"]
