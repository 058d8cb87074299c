"""Which documents are accepted, when they are fetched, and what a bad one changes: nothing."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from audit.models import AuditEvent
from authplane.core import clock, runtime
from oauth.clients.metadata_document import find_or_fetch, is_document_url, refetch_stale
from oauth.models import Client, ConsentGrant, FetchedDocument
from tests.support.factories import make_resource, make_user
from tests.support.published import PUBLIC, key_set, signing_key

pytestmark = pytest.mark.django_db

URL = "https://client.example/oauth/client.json"
PATH = "/oauth/client.json"
MCP = ("MCP 2026-07-28", "client id metadata documents")


def document(**members):
    good = {
        "client_id": URL,
        "client_name": "A client",
        "redirect_uris": ["https://client.example/cb"],
    } | members
    return {name: value for name, value in good.items() if value is not None}


def suppressed(reason):
    from authplane.core.metrics import counter

    name = "authserver_cimd_fetch_suppressed_total"
    return counter(name).labels(reason=reason)._value.get()


# --- Acceptance -------------------------------------------------------------------------------


@pytest.mark.shows("audit event", "client.registered")
@pytest.mark.shows("metric", "authserver_cimd_fetch_duration_seconds")
def test_an_unknown_document_becomes_a_client(world):
    world.publish(PATH, document(logo_uri="https://cdn.example/l.png"))

    client = find_or_fetch(URL)

    assert client == Client.objects.get()
    assert (client.client_id, client.registration_source) == (URL, "cimd")
    assert client.grant_types == ["authorization_code", "refresh_token"]
    assert client.is_public
    assert world.asked[0][1]["accept"] == "application/json"
    assert AuditEvent.objects.get().detail == {"source": "cimd"}


@pytest.mark.parametrize(
    "members",
    [
        {"grant_types": ["authorization_code", "urn:x:unknown", "implicit"]},
        {"token_endpoint_auth_method": "none"},
        {"token_endpoint_auth_methods_supported": ["none", "private_key_jwt"]},
        {"token_endpoint_auth_methods_supported": ["client_secret_basic", "none"]},
        {"token_endpoint_auth_methods_supported": ["private_key_jwt", "none"]},
        {"application_type": "native"}, {"scope": "whatever"}, {"contacts": "x"},
        {"response_types": ["code", "id_token"]}, {"agent": True},
        {"redirect_uris": [f"https://client.example/{n}" for n in range(40)]},
    ],
)  # fmt: skip
def test_members_of_other_servers_do_no_harm(world, members):
    world.publish(PATH, document(**members))

    client = find_or_fetch(URL)

    assert client is not None
    assert client.token_endpoint_auth_method == "none"
    assert set(client.grant_types) <= {"authorization_code", "refresh_token"}
    assert client.is_agent is False


def test_the_method_follows_the_preference_of_the_document(world):
    keys = key_set(signing_key())
    world.publish(
        PATH,
        document(token_endpoint_auth_methods_supported=["private_key_jwt", "none"], jwks=keys),
    )

    assert find_or_fetch(URL).token_endpoint_auth_method == "private_key_jwt"


@pytest.mark.spec("Plugged.in", "P23", "MUST", "the client_id of a document equals its URL")
@pytest.mark.spec(*MCP, "MUST", "the client_id of a document equals its URL")
@pytest.mark.parametrize("client_id", [f"{URL}/", URL.upper(), f"{URL}?a=1", "x", None, 7, [URL]])
def test_a_document_speaks_for_its_own_address_only(world, client_id):
    world.publish(PATH, document(client_id=client_id))

    assert find_or_fetch(URL) is None
    assert Client.objects.count() == 0


@pytest.mark.spec(*MCP, "MUST", "a document lacks no required member")
@pytest.mark.parametrize(
    "members",
    [
        {"client_name": None}, {"client_name": ""}, {"client_name": "a\x00"}, {"client_name": 1},
        {"redirect_uris": None}, {"redirect_uris": []}, {"redirect_uris": "https://x.example/"},
        {"redirect_uris": ["http://client.example/cb"]}, {"redirect_uris": ["myapp://cb"]},
        {"redirect_uris": ["https://client.example/cb#x"]},
        {"redirect_uris": [f"https://client.example/{n}" for n in range(51)]},
        {"grant_types": ["client_secret"]}, {"grant_types": "authorization_code"},
        {"response_types": ["token"]},
        {"client_secret": "s"}, {"client_secret": None, "client_secret_expires_at": 0},
        {"token_endpoint_auth_method": "client_secret_basic"},
        {"token_endpoint_auth_method": "client_secret_post"},
        {"token_endpoint_auth_method": "client_secret_jwt"},
        {"token_endpoint_auth_method": "tls_client_auth"},
        {"token_endpoint_auth_method": "private_key_jwt"},
        {"token_endpoint_auth_methods_supported": ["client_secret_basic"]},
        {"token_endpoint_auth_methods_supported": ["private_key_jwt"]},
        {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [signing_key()]}},
        {"jwks": {"keys": [signing_key()]}},
        {"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "http://client.example/k"},
        {
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": key_set(signing_key()),
            "jwks_uri": "https://client.example/k",
        },
    ],
)  # fmt: skip
def test_a_document_that_breaks_a_rule_makes_no_client(oauth, world, members):
    world.publish(PATH, document(**members))
    oauth.client_id, oauth.redirect_uri = URL, "https://client.example/cb"

    answer = oauth.start()

    assert answer.status_code == 400
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "Location" not in answer.headers
    assert Client.objects.count() == 0
    assert FetchedDocument.objects.count() == 0


@pytest.mark.parametrize(
    "page",
    [
        {"status": 404}, {"status": 500}, {"status": 201}, {"status": 204},
        {"status": 302, "headers": {"Location": "http://127.0.0.1/"}},
        {"status": 301, "headers": {"Location": "https://client.example/other.json"}},
        {"headers": {"Content-Type": "text/html"}}, {"headers": {"Content-Type": "text/json"}},
        {"headers": {"Content-Type": "application/jsonx"}},
        {"headers": {"Content-Encoding": "gzip"}},
        {"document": b"{"}, {"document": b"[]"}, {"document": b"null"}, {"document": b"\xff"},
        {"document": b"[" * 9000},
    ],
)  # fmt: skip
def test_an_answer_that_is_no_document_is_not_taken_for_one(world, page):
    world.publish(PATH, page.pop("document", document()), **page)

    assert find_or_fetch(URL) is None
    assert world.paths() == [PATH]
    assert Client.objects.count() == 0


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", "application/client-id+json"]
)
def test_both_spellings_of_json_are_accepted(world, content_type):
    world.publish(PATH, document(), headers={"Content-Type": content_type})

    assert find_or_fetch(URL) is not None


@pytest.mark.shows("setting", "cimd.max_bytes")
def test_a_document_has_a_size(world, override_config):
    world.publish(PATH, document(padding="x" * 16_000))
    assert find_or_fetch(URL) is not None

    other = "https://other.example/large"
    world.publish("/large", document(client_id=other, padding="x" * 16_384))
    assert find_or_fetch(other) is None
    override_config(cimd={"max_bytes": 32_768})
    from tests.support.shared_state import empty_shared_state

    empty_shared_state()
    from authplane.core.models import OneTimeValue

    OneTimeValue.objects.all().delete()
    assert find_or_fetch(other) is not None


# --- Addresses --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "http://client.example/c.json", "https://client.example", "https://client.example/",
        "https://client.example//c", "https://client.example/a//c", "https://client.example/a/../c",
        "https://client.example/./c", "https://client.example/%2e%2e/c",
        "https://client.example/a/%2E./c", "https://u@client.example/c",
        "https://u:p@client.example/c", "https://client.example/c#f", "https://client.example/c#",
        "https://CLIENT.example/c", "https://client.example:443/c", "HTTPS://client.example/c",
        "https://client.example/c d", "https://client.example/c\n", "https://client.example\\c",
        "https://client.example/" + "c" * 500, "https://cliént.example/c", "ftp://client.example/c",
        "https://client.example:0x1/c", "https://client.example:99999/c", "https://?/c",
        "https://localhost:9000.evil@client.example/c",
    ],
)  # fmt: skip
def test_an_address_that_is_no_proper_one_is_never_asked(oauth, world, url):
    oauth.client_id = url

    assert not is_document_url(url)
    assert oauth.start().status_code == 400
    assert world.looked_up == []


def test_our_own_issuer_hosts_no_documents(world, override_config):
    override_config(server={"issuer": "https://auth.example"})

    assert find_or_fetch("https://auth.example/oauth/authorize?client_id=x") is None
    assert world.looked_up == []


@pytest.mark.spec(*MCP, "SHOULD", "documents at private addresses are not fetched")
@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"], ["10.0.0.1"], ["169.254.169.254"], ["::1"], ["fd00::1"],
        ["::ffff:127.0.0.1"], ["100.64.0.1"], [PUBLIC, "192.168.0.1"], ["64:ff9b::7f00:1"], [],
    ],
)  # fmt: skip
def test_hosts_inside_the_network_are_not_asked(oauth, world, addresses):
    world.addresses["client.example"] = addresses
    oauth.client_id, oauth.redirect_uri = URL, "https://client.example/cb"

    assert oauth.start().status_code == 400
    assert world.connected == world.asked == []


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "169.254.169.254", "2130706433", "0x7f.1"])
def test_private_addresses_by_number_are_not_asked(world, monkeypatch, host):
    import socket

    from authplane.core import pinned

    def real(name, port):
        found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM, flags=0)
        return [str(entry[4][0]) for entry in found]

    monkeypatch.setattr(pinned, "look_up", real)

    assert find_or_fetch(f"https://{host}/client.json") is None
    assert world.connected == []


@pytest.mark.shows("setting", "cimd.allowed_private_hosts")
def test_an_administrator_may_allow_a_private_host_by_name(world, override_config, monkeypatch):
    from tests.support import published

    monkeypatch.setattr(published, "PUBLIC", "10.1.2.3")
    world.addresses |= {"client.example": ["10.1.2.3"], "other.example": ["10.1.2.3"]}
    world.publish(PATH, document())
    override_config(cimd={"allowed_private_hosts": ("client.example",)})

    assert find_or_fetch(URL) is not None
    assert find_or_fetch("https://other.example/oauth/client.json") is None


@pytest.mark.shows("setting", "cimd.require_https", "cimd.allow_private_addresses")
def test_plain_http_at_private_addresses_can_be_allowed_for_development(
    world, override_config, monkeypatch
):
    from tests.support import published

    monkeypatch.setattr(published, "PUBLIC", "127.0.0.1")
    url = "http://localhost:8000/client.json"
    world.addresses["localhost"] = ["127.0.0.1"]
    world.publish("/client.json", document(client_id=url))

    assert find_or_fetch(url) is None
    override_config(cimd={"require_https": False, "allow_private_addresses": True})
    assert find_or_fetch(url) is not None


# --- Modes ------------------------------------------------------------------------------------


@pytest.mark.shows("setting", "cimd.enabled")
def test_documents_can_be_switched_off(world, override_config):
    world.publish(PATH, document())
    override_config(cimd={"enabled": False})

    assert find_or_fetch(URL) is None
    assert world.looked_up == []


def test_closed_registration_makes_no_clients_of_documents(world):
    world.publish(PATH, document())
    runtime.write("dcr_mode", "admin_only", by="test")

    assert find_or_fetch(URL) is None
    assert world.looked_up == []


def test_approved_redirects_apply_to_documents(world, override_config):
    world.publish(PATH, document())
    override_config(dcr={"mode": "approved_redirects", "approved_redirects": ("https://a/",)})
    assert find_or_fetch(URL) is None
    assert Client.objects.count() == 0


# --- Freshness --------------------------------------------------------------------------------


def fresh_for():
    found = FetchedDocument.objects.get(kind="metadata")
    return round((found.fresh_until - found.fetched_at).total_seconds())


@pytest.mark.spec(*MCP, "SHOULD", "documents are cached by their headers")
@pytest.mark.shows("setting", "cimd.cache_min", "cimd.cache_ttl")
@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Cache-Control": "max-age=1200"}, 1200),
        ({"Cache-Control": "public, max-age=1200", "Age": "200"}, 1000),
        ({"Cache-Control": 'max-age="700"'}, 700),
        ({"Cache-Control": "max-age=1"}, 300),
        ({"Cache-Control": "max-age=99999999"}, 86400),
        ({"Cache-Control": "no-store"}, 300),
        ({"Cache-Control": "no-cache, max-age=900"}, 300),
        ({"Cache-Control": "max-age=nonsense"}, 300),
        ({"Expires": "Sat, 14 Mar 2026 10:26:53 GMT"}, 3600),
        ({"Expires": "0"}, 300),
        ({"Expires": "Sat, 14 Mar 2020 10:26:53 GMT"}, 300),
        ({}, 3600),
    ],
)
def test_a_document_is_kept_as_its_headers_say_within_bounds(world, frozen_clock, headers, seconds):
    world.publish(PATH, document(), headers={"Date": "Sat, 14 Mar 2026 09:26:53 GMT"} | headers)

    find_or_fetch(URL)

    assert fresh_for() == seconds


def test_a_fresh_document_is_not_fetched_again(world, query_budget):
    world.publish(PATH, document())
    find_or_fetch(URL)

    with query_budget(1):
        for_the_second_time = find_or_fetch(URL)

    assert for_the_second_time.client_id == URL
    assert world.paths() == [PATH]


def test_a_stale_document_is_revalidated_with_its_tag(world, frozen_clock):
    world.publish(PATH, document(), headers={"ETag": '"v1"', "Cache-Control": "max-age=600"})
    first = find_or_fetch(URL)
    frozen_clock.shift(601)

    second = find_or_fetch(URL)

    assert world.asked[1][1]["if-none-match"] == '"v1"'
    assert second.version == first.version
    assert fresh_for() == 600
    find_or_fetch(URL)
    assert len(world.asked) == 2


def test_a_changed_document_changes_the_client_and_asks_users_again(world, frozen_clock):
    world.publish(PATH, document())
    client = find_or_fetch(URL)
    consent = ConsentGrant.objects.create(
        user=make_user(), client=client, resource=make_resource(), scopes=["read"]
    )
    frozen_clock.shift(timedelta(days=1, seconds=1))
    world.publish(PATH, document(client_uri="https://client.example/about"))
    find_or_fetch(URL)
    consent.refresh_from_db()
    assert consent.scopes == ["read"]

    for change in (
        {"client_name": "Another name"},
        {"redirect_uris": ["https://client.example/new"]},
        {"token_endpoint_auth_method": "private_key_jwt", "jwks": key_set(signing_key())},
    ):
        ConsentGrant.objects.update(scopes=["read"])
        frozen_clock.shift(timedelta(days=1, seconds=1))
        world.publish(PATH, document(**change))
        find_or_fetch(URL)
        consent.refresh_from_db()
        assert (consent.scopes, consent.revoked_at) == ([], None), change

    assert AuditEvent.objects.filter(action="client.updated").count() == 4
    assert Client.objects.get().client_jwks["keys"]


def test_the_users_page_comes_again_after_a_change(oauth, world, frozen_clock):
    from tests.support.factories import person

    world.publish(PATH, document())
    oauth.client_id, oauth.redirect_uri = URL, "https://client.example/cb"
    oauth.resource = make_resource().uri
    somebody = person(make_user())
    oauth.tokens(somebody, scope="read")
    remembered = oauth.start(scope="read")
    assert remembered.headers["Location"].startswith("https://client.example/cb?")

    frozen_clock.shift(3601)
    world.publish(PATH, document(client_name="Another name"))

    asked = oauth.start(scope="read")
    assert "/consent" in asked.headers["Location"]


def test_an_outage_does_not_lock_users_out_for_a_day(world, frozen_clock):
    page = world.publish(PATH, document(), headers={"Cache-Control": "max-age=600"})
    find_or_fetch(URL)
    page.status = 503

    frozen_clock.shift(601)
    assert find_or_fetch(URL) is not None
    frozen_clock.shift(86_400)
    assert find_or_fetch(URL) is None
    assert Client.objects.count() == 1

    page.status = 200
    expire_leases(frozen_clock, 31)
    assert find_or_fetch(URL) is not None


@pytest.mark.parametrize(
    "change", [{"status": 404}, {"status": 410}, {"document": b"{}"}, {"document": b"<html>"}]
)
def test_a_withdrawn_document_ends_new_authorizations_at_once(world, frozen_clock, change):
    page = world.publish(PATH, document(), headers={"Cache-Control": "max-age=600"})
    find_or_fetch(URL)
    for name, value in change.items():
        setattr(page, name, value)

    frozen_clock.shift(601)
    assert find_or_fetch(URL) is None
    page.status = 503
    expire_leases(frozen_clock, 31)
    assert find_or_fetch(URL) is None, "an outage does not rehabilitate"
    assert Client.objects.get().status == "active"


def test_a_suspended_client_stays_suspended_whatever_its_document_says(world, frozen_clock):
    world.publish(PATH, document())
    Client.objects.filter(pk=find_or_fetch(URL).pk).update(status="suspended", scope="read")
    frozen_clock.shift(timedelta(days=2))

    assert find_or_fetch(URL).status == "suspended"
    assert refetch_stale(clock.now()) == 0
    assert len(world.asked) == 1


def test_stale_documents_are_renewed_by_the_scheduled_work(world, frozen_clock):
    world.publish(PATH, document())
    find_or_fetch(URL)
    assert refetch_stale(clock.now()) == 0

    frozen_clock.shift(3601)
    world.publish(PATH, document(client_name="Renamed"))

    assert refetch_stale(clock.now()) == 1
    assert Client.objects.get().name == "Renamed"
    assert refetch_stale(clock.now()) == 0


def test_a_failing_document_is_tried_once_an_hour_by_the_scheduled_work(world, frozen_clock):
    page = world.publish(PATH, document())
    find_or_fetch(URL)
    page.status = 500
    frozen_clock.shift(3601)

    for _ in range(3):
        assert refetch_stale(clock.now()) == 0
        expire_leases(frozen_clock, 600)
    assert len(world.asked) == 2
    expire_leases(frozen_clock, 3601)
    refetch_stale(clock.now())
    assert len(world.asked) == 3


# --- Limits -----------------------------------------------------------------------------------


@pytest.mark.shows("metric", "authserver_cimd_fetch_suppressed_total")
def test_a_failure_is_remembered_for_thirty_seconds(world, frozen_clock):
    before = suppressed("negative_cache")
    assert find_or_fetch(URL) is None
    world.publish(PATH, document())

    frozen_clock.shift(29)
    assert find_or_fetch(URL) is None
    assert world.paths() == [PATH]
    assert suppressed("negative_cache") == before + 1

    expire_leases(frozen_clock, 2)
    assert find_or_fetch(URL) is not None


def test_an_outage_is_remembered_for_the_whole_host(world, frozen_clock):
    world.publish("/a", document(), status=503)
    find_or_fetch("https://client.example/a")

    assert find_or_fetch("https://client.example/b") is None
    assert world.paths() == ["/a"]
    find_or_fetch("https://elsewhere.example/b")
    assert world.paths() == ["/a", "/b"]


def expire_leases(frozen_clock, seconds):
    """Time passes, for Redis too, which has a clock of its own."""
    from tests.support.shared_state import empty_shared_state

    frozen_clock.shift(seconds)
    empty_shared_state()


@pytest.mark.shows("setting", "cimd.max_in_flight")
def test_all_replicas_together_have_a_number_of_fetches(world, override_config):
    from authplane.core import leases

    override_config(cimd={"max_in_flight": 2})
    world.publish(PATH, document())
    held = [leases.claim("fetches", ttl=60, slots=2) for _ in range(2)]
    before = suppressed("in_flight_limit")

    assert all(held)
    assert find_or_fetch(URL) is None
    assert world.looked_up == []
    assert suppressed("in_flight_limit") == before + 1
    held[0].release()
    assert find_or_fetch(URL) is not None


def test_a_process_keeps_a_thread_for_everybody_else(world):
    from oauth.clients import fetching

    world.publish(PATH, document())
    for _ in range(fetching.THREADS):
        assert fetching._threads.acquire(blocking=False)
    try:
        assert find_or_fetch(URL) is None
    finally:
        for _ in range(fetching.THREADS):
            fetching._threads.release()
    assert world.looked_up == []
    assert find_or_fetch(URL) is not None


@pytest.mark.shows("setting", "cimd.fetch_timeout")
def test_a_fetch_has_a_time_limit(world, override_config):
    override_config(cimd={"fetch_timeout": 1})
    world.publish(PATH, document(), seconds=2.0)

    began = datetime.now(UTC)
    assert find_or_fetch(URL) is None
    assert datetime.now(UTC) - began < timedelta(seconds=1.9)


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgres
def test_however_many_ask_at_once_one_fetches(world):
    from django.db import connection

    world.publish(PATH, document(), seconds=0.3)
    found = []

    def ask():
        try:
            found.append(find_or_fetch(URL))
        finally:
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert world.paths() == [PATH]
    assert [client.client_id for client in found] == [URL] * 3
    assert Client.objects.count() == 1


def test_a_document_may_demand_pushed_and_signed_requests(world):
    key = signing_key()
    world.publish(
        PATH,
        document(
            require_pushed_authorization_requests=True,
            require_signed_request_object=True,
            request_object_signing_alg="ES256",
            jwks=key_set(key),
            # Written for servers that can; this one has no proxy that would see a certificate.
            tls_client_certificate_bound_access_tokens=True,
        ),
    )

    client = find_or_fetch(URL)

    assert client.require_pushed_authorization_requests
    assert client.require_signed_request_object
    assert client.client_jwks["keys"]
    assert not client.tls_client_certificate_bound_access_tokens
