"""The agents among the clients, in the key document where an operator wants that."""

from __future__ import annotations

import pytest

from tests.support.factories import make_client

pytestmark = pytest.mark.django_db

JWKS = "/.well-known/jwks.json"


@pytest.fixture(autouse=True)
def _unread():
    from oauth.clients import agents

    agents._lists.forget()
    agents._latest.clear()


@pytest.fixture
def listing(override_config):
    override_config(agents={"enable_jwks_listing": True})


def an_agent(**fields):
    return make_client(is_agent=True, **fields)


def reread():
    from oauth.clients import agents

    agents._lists.forget()


def test_by_default_there_is_no_list(oauth):
    an_agent()
    assert set(oauth.jwks()) == {"keys"}


@pytest.mark.shows("setting", "agents.enable_jwks_listing")
@pytest.mark.usefixtures("listing")
def test_active_agents_are_listed_beside_the_keys_oldest_first(oauth):
    first = an_agent(agent_description="Reads mail.")
    second = an_agent()
    make_client(agent_description="no agent")
    an_agent(status="suspended")
    an_agent(status="revoked")
    an_agent(issuer="https://proxied.example.com")

    document = oauth.jwks()

    assert set(document) == {"keys", "agents"}
    assert document["agents"] == [
        {"client_id": first.client_id, "description": "Reads mail."},
        {"client_id": second.client_id, "description": ""},
    ]


@pytest.mark.usefixtures("listing")
def test_without_agents_the_list_is_empty(oauth):
    assert oauth.jwks()["agents"] == []


@pytest.mark.usefixtures("listing")
def test_verifiers_that_know_only_keys_go_on_as_before(oauth):
    import jwt

    an_agent()
    (key,) = jwt.PyJWKSet.from_dict(oauth.jwks()).keys
    assert key.algorithm_name == "ES256"


@pytest.mark.usefixtures("listing")
def test_a_new_agent_changes_the_tag_and_nothing_else_does(oauth):
    an_agent()
    before = oauth.http.get(JWKS)
    reread()
    assert oauth.http.get(JWKS).headers["etag"] == before.headers["etag"]
    assert (
        oauth.http.get(JWKS, headers={"If-None-Match": before.headers["etag"]}).status_code == 304
    )

    made = an_agent()
    reread()
    after = oauth.http.get(JWKS, headers={"If-None-Match": before.headers["etag"]})

    assert after.status_code == 200
    assert after.json()["agents"][-1]["client_id"] == made.client_id
    assert after.headers["cache-control"] == before.headers["cache-control"]


def test_switching_the_list_off_takes_it_out_at_once(oauth, override_config):
    an_agent()
    override_config(agents={"enable_jwks_listing": True})
    listed = oauth.http.get(JWKS)
    override_config(agents={"enable_jwks_listing": False})
    unlisted = oauth.http.get(JWKS)

    assert set(unlisted.json()) == {"keys"}
    assert listed.headers["etag"] != unlisted.headers["etag"]


@pytest.mark.usefixtures("listing")
def test_a_flood_of_agents_neither_grows_the_document_nor_pushes_anybody_out(oauth):
    """Resource servers refuse key documents of more than 64 KiB; then every token would fail."""
    from oauth.models import Client

    first = an_agent()
    Client.objects.bulk_create(
        Client(name="x", is_agent=True, agent_description="\N{SNOWMAN}" * 255) for _ in range(300)
    )

    answer = oauth.http.get(JWKS)

    assert len(answer.content) < 60 * 1024
    assert answer.json()["agents"][0]["client_id"] == first.client_id
    assert 10 < len(answer.json()["agents"]) < 300


@pytest.mark.usefixtures("listing")
def test_the_list_is_read_once_a_minute_however_often_it_is_asked_for(oauth, query_budget):
    an_agent()
    oauth.jwks()
    with query_budget(0):
        for _ in range(5):
            oauth.jwks()


@pytest.mark.usefixtures("listing")
def test_without_the_database_the_keys_are_still_there(oauth, monkeypatch):
    from django.db import OperationalError
    from django.db.models.query import QuerySet

    made = an_agent()
    before = oauth.jwks()
    reread()

    def gone(*_args, **_kwargs):
        raise OperationalError

    monkeypatch.setattr(QuerySet, "_fetch_all", gone)
    assert oauth.jwks() == before
    assert before["agents"][0]["client_id"] == made.client_id
