"""Each place from which this server asks others, against each way to make it ask itself."""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from authplane.core import clock, fetch, pinned
from authplane.core.fetch import FetchFailed, FetchRefused
from tests.support.background import answering

pytestmark = pytest.mark.django_db

PUBLIC = "93.184.216.34"
UNSPECIFIED = "0.0.0.0"  # noqa: S104 - never bound
HOSTILE = (
    "[::1]", "[::ffff:a9fe:a9fe]", "[::ffff:127.0.0.1]", "[fe80::1]", "[fd00:ec2::254]",
    "[64:ff9b::a9fe:a9fe]", "169.254.169.254", "100.64.0.1", "10.0.0.1", "192.168.1.1",
    "127.0.0.1", "localhost", UNSPECIFIED, "2130706433", "0177.0.0.1", "0x7f000001", "127.1",
    "private.example", "mixed.example",
)  # fmt: skip
NAMES = {
    "private.example": ["10.0.0.7"],
    "mixed.example": [PUBLIC, "127.0.0.1"],
}
IMPATIENT = 0.2
OTHER_HOST = "127.0.0.1"


# --- The places ----------------------------------------------------------------------------------


def client_document(url):
    from oauth.clients import metadata_document

    metadata_document._fetch(url, stored=None)


def client_keys(url):
    from oauth.clients import keys
    from tests.support.factories import make_client

    assert keys.refetch(make_client(client_jwks_uri=url), now=clock.now()) is None


def issuer_document(url):
    """Registered identity providers and workload issuers alike."""
    from oauth.federation.discovery import discover_jwks_uri

    discover_jwks_uri(url)


def issuer_keys(url):
    from oauth.federation import keys

    keys.refetch(keys.KeySource(issuer="https://i.example", jwks_uri=url), now=clock.now())


def upstream_document(url):
    from broker.upstream import issuer

    issuer._load(url)


def token_endpoint(url):
    """Of code, refresh and sign-in alike."""
    from broker.upstream.reach import reach_of
    from broker.upstream.token_endpoint import Endpoint, ask

    ask(Endpoint(client_id="c", token_url=url), "secret", {"code": "c"}, reach_of(url), timeout=5)


def revocation_endpoint(url):
    from broker.upstream.reach import reach_of
    from broker.upstream.revocation import revoke_token
    from broker.upstream.token_endpoint import Endpoint

    settings = Endpoint(client_id="c", token_url=url)
    told = revoke_token(settings, "secret", url, "t", hint="refresh_token", reach=reach_of(url))
    assert not told


def service_account(url):
    from broker.providers.settings import ServiceAccountSettings
    from broker.upstream.reach import reach_of
    from broker.upstream.service_account import obtain

    settings = ServiceAccountSettings(token_url=url, sa_email="a@b.example", algorithm="ES256")
    obtain(settings, pem(), subject="u", scopes=(), reach=reach_of(url), now=int(time.time()))


def remote_probe(url):
    from broker.remote.probe import probe

    assert not probe(url, deadline=time.monotonic() + 5).challenge.resource_metadata


def remote_metadata(url):
    discover(url, metadata=url)


def remote_well_known(url):
    discover(url)


def remote_registration(url):
    from broker.remote.registration import register

    register(url, callback="https://as.example/cb", offered=("none",), scopes=())


def remote_unregistration(url):
    from broker.remote.registration import Registered, unregister

    unregister(Registered(client_id="c", method="none", management_url=url, management_token="t"))


def sign_in_document(url):
    from broker.signin.discovery import published_by

    published_by(url)


def sign_in_keys(url):
    from broker.signin.discovery import Published
    from oauth.federation import keys

    published = Published(issuer=url, authorization_endpoint=url, token_endpoint=url, jwks_uri=url)
    keys.refetch(published.keys(), now=clock.now())


def sign_in_userinfo(url):
    from broker.signin.profile import _userinfo

    assert _userinfo(url, access_token="t") == {}


SITES = (
    client_document, client_keys, issuer_document, issuer_keys, upstream_document, token_endpoint,
    revocation_endpoint, service_account, remote_probe, remote_metadata, remote_well_known,
    remote_registration, remote_unregistration, sign_in_document, sign_in_keys, sign_in_userinfo,
)  # fmt: skip
HEADERS_ONLY = {remote_probe, remote_unregistration}


def discover(url, *, metadata=""):
    from broker.remote.challenges import Challenge
    from broker.remote.discovery import Leniency
    from broker.remote.discovery import discover as search

    search(
        url, challenge=Challenge(resource_metadata=metadata), requires_auth=True,
        leniency=Leniency(), deadline=time.monotonic() + 5,
    )  # fmt: skip


@cache
def pem():
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()  # fmt: skip


# --- What is watched -----------------------------------------------------------------------------


@dataclass
class Watch:
    """The requests that were tried, how each ended, and the addresses that were dialled."""

    ends: list = field(default_factory=list)
    dialled: list = field(default_factory=list)

    def ask(self, site, url):
        """Whatever the place makes of it, it comes back."""
        with contextlib.suppress(Exception):
            site(url)


@pytest.fixture
def watch(monkeypatch):
    """Every request, with little patience."""
    watched, send = Watch(), fetch.send

    def watched_send(method, url, *, timeout, **options):
        try:
            answer = send(method, url, timeout=min(timeout, IMPATIENT), **options)
        except (FetchRefused, FetchFailed) as refused:
            watched.ends.append(refused.reason)
            raise
        watched.ends.append(answer.status)
        return answer

    monkeypatch.setattr(fetch, "send", watched_send)
    return watched


@pytest.fixture
def nowhere(watch, monkeypatch):
    """Nothing can be reached: addresses are dialled in vain."""

    def connect(self, host, port, *args):
        watch.dialled.append(host)
        raise pinned.httpcore.ConnectError("not in this test")

    monkeypatch.setattr(pinned.httpcore.SyncBackend, "connect_tcp", connect)
    return watch


@pytest.fixture
def names(monkeypatch):
    """What names mean; numbers in any spelling are read by the system itself."""
    look_up, asked = pinned.look_up, []

    def answer(host, port):
        asked.append(host)
        known = NAMES.get(host)
        return look_up(host, port) if known is None else known

    monkeypatch.setattr(pinned, "look_up", answer)
    return asked


class Hostile(BaseHTTPRequestHandler):
    """Answers every request as the test says."""

    def answer(self):
        self.server.asked.append(self.path)
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        kind = self.server.kind
        self.send_response(302 if kind == "redirect" else 200)
        if kind == "redirect":
            self.send_header("Location", f"http://{OTHER_HOST}:{self.server.server_port}/inside")
        self.send_header("Content-Type", "application/json")
        if kind != "drip":
            body = b"[" + b"1," * (3 * 512 * 1024) + b"1]" if kind == "oversize" else b""
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(OSError):
            if kind == "oversize":
                self.wfile.write(body)
            while kind == "drip" and not self.server.over.wait(0.05):
                self.wfile.write(b" ")

    do_GET = do_POST = do_DELETE = answer  # noqa: N815 - names of the base class

    def log_message(self, *args):
        pass


@pytest.fixture
def hostile(override_config):
    """A server at an address that an operator allowed, which does not behave."""
    override_config(
        broker={"allowed_private_hosts": (OTHER_HOST,)},
        cimd={"allow_private_addresses": True, "require_https": False},
    )
    server = ThreadingHTTPServer((OTHER_HOST, 0), Hostile)
    server.daemon_threads, server.asked, server.over = True, [], threading.Event()
    server.handle_error = lambda *args: None
    with answering(server):
        yield server
        server.over.set()


def each_site(test):
    return pytest.mark.parametrize("site", SITES, ids=lambda site: site.__name__)(test)


# --- The matrix ----------------------------------------------------------------------------------


@each_site
@pytest.mark.spec(
    "Negative tests", "D8.10", "MUST", "no call goes to an address that is not public"
)
def test_nothing_inside_is_asked(site, nowhere, names):
    for host in HOSTILE:
        before = len(nowhere.ends)

        nowhere.ask(site, f"https://{host}/tenant")

        ends = nowhere.ends[before:]
        assert ends, f"{host}: was not tried, which proves nothing"
        assert set(ends) <= REFUSALS, host
    assert nowhere.dialled == []


REFUSALS = {"host has an address that is not public", "host cannot be resolved"}


@each_site
def test_a_name_that_changes_its_mind_is_held_to_what_was_checked(site, nowhere, monkeypatch):
    """DNS rebinding: public when checked, private when looked up again."""
    asked = []

    def look_up(host, port):
        asked.append(host)
        return [PUBLIC] if len(asked) % 2 else ["169.254.169.254"]

    monkeypatch.setattr(pinned, "look_up", look_up)

    nowhere.ask(site, "https://rebind.example/tenant")

    assert set(nowhere.dialled) == {PUBLIC}
    # One look-up for each request: the address that was checked is the one that is dialled.
    assert len(asked) == len(nowhere.ends)


@each_site
def test_plain_http_is_not_spoken_with_strangers(site, nowhere):
    nowhere.ask(site, "http://client.example/tenant")

    assert nowhere.dialled == []
    assert set(nowhere.ends) <= {"scheme is not https"}


@each_site
def test_redirects_lead_nowhere(site, watch, hostile):
    hostile.kind = "redirect"

    watch.ask(site, f"http://{OTHER_HOST}:{hostile.server_port}/tenant")

    assert hostile.asked
    assert "/inside" not in hostile.asked
    assert set(watch.ends) == {302}


@each_site
def test_large_answers_are_cut_off(site, watch, hostile):
    hostile.kind = "oversize"

    watch.ask(site, f"http://{OTHER_HOST}:{hostile.server_port}/tenant")

    assert hostile.asked
    assert set(watch.ends) <= {"answer is too large"} | ({200} if site in HEADERS_ONLY else set())


@each_site
def test_answers_that_drip_end_at_the_deadline(site, watch, hostile):
    hostile.kind = "drip"
    started = time.monotonic()

    watch.ask(site, f"http://{OTHER_HOST}:{hostile.server_port}/tenant")

    assert hostile.asked
    assert set(watch.ends) <= {"took too long"} | ({200} if site in HEADERS_ONLY else set())
    assert time.monotonic() - started < IMPATIENT * len(watch.ends) + 1
