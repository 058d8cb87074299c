"""An operator sets up an exchange over the API alone, and it works."""

from __future__ import annotations

from tests.support.exchanging import EXCHANGE


def test_from_nothing_to_an_exchanged_token(operator, scene):
    made = operator.post(
        "/admin/clients",
        {
            "client_name": "Gateway",
            "grant_types": [EXCHANGE, "client_credentials"],
            "token_endpoint_auth_method": "client_secret_basic",
        },
    )
    assert made.status_code == 201, made.content
    credentials = made.json()
    gateway = scene.client.sibling(
        client_id=credentials["client_id"],
        client_secret=credentials["client_secret"],
        auth_method="client_secret_basic",
    )
    target = operator.post(
        "/admin/resources",
        {
            "slug": "ledger", "uri": "https://ledger.example.com", "display_name": "Ledger",
            "backend_kind": "mint",
            "scopes": [{"name": "entries:read"}],
        },
    )  # fmt: skip
    assert target.status_code == 201, target.content
    link = operator.post(
        "/admin/fronting",
        {
            "source": scene.resource.slug, "target": "ledger",
            "scope_map": {"read": ["entries:read"]},
        },
    )  # fmt: skip
    assert link.status_code == 201, link.content
    token = scene.tokens(scope="read")["access_token"]
    before = gateway.exchange(token, resource="ledger")
    assert (403, "access_denied") == (before.status_code, before.json()["error"])

    listed = operator.post(
        f"/admin/resources/{scene.resource.slug}/policy/runtime/client-ids",
        {"client_id": credentials["client_id"]},
    )
    assert listed.status_code < 300, listed.content
    after = gateway.exchange(token, resource="ledger")

    assert after.status_code == 200, after.text
    assert "entries:read" == after.json()["scope"]
