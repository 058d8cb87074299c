"""What services of others gave us, and what we prove ourselves by there, stands nowhere in clear.

Every flow is run, well and badly, with secrets that can be told apart. Then every column of every
table, everything in Redis, every log line, the metrics and every answer of ours is searched.
"""

from __future__ import annotations

import base64
import json
from contextlib import ExitStack
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
from django.db import connection
from django.test import Client

from authplane.core import clock, shared
from authplane.core.middleware import Gate
from tests.security.test_log_hygiene import every_logger_at_debug
from tests.support import openid, remote
from tests.support.connecting import Browser, make_forge
from tests.support.exchanging import make_delegation
from tests.support.factories import make_user, person
from tests.support.figures import exposition
from tests.support.gateway import FORWARD_AUTH_KEY
from tests.support.pages import form_with
from tests.support.proxies import Gateway, make_proxy
from tests.support.servers import Page
from tests.support.upstream import ALLOWED, LEAK, SECRET, make_provider, running_upstream

PASTED = "pasted-key-of-the-user-6c1b9d"


@dataclass
class Run:
    """`theirs` stands nowhere at all, `ours` only in answers to whom it belongs.

    `answers` are the texts of our answers. `told` are the secrets that may stand in one of them,
    by its number: a hop's state on its way out, a token that is given out on purpose.
    """

    theirs: dict = field(default_factory=dict)
    ours: dict = field(default_factory=dict)
    answers: list = field(default_factory=list)
    told: dict = field(default_factory=dict)
    heard: object = None
    metrics: str = ""

    def hop(self, sent):
        """The browser leaves: the state is in the answer that sends it, and in that one alone."""
        self.told[len(self.answers) - 1] = {sent["state"]}
        self.theirs[f"state {len(self.theirs)}"] = sent["state"]
        return sent

    def give_out(self, token):
        """The latest answer holds this token, as it should."""
        assert token in self.answers[-1]
        self.told[len(self.answers) - 1] = {token}

    def code(self):
        number = len(self.theirs)
        self.theirs[f"code {number}"] = f"code-of-the-service-{number}-93ba"
        return self.theirs[f"code {number}"]


@pytest.fixture
def run(scene, monkeypatch, override_config, django_capture_on_commit_callbacks):
    """All flows, with everything that could give something away."""
    override_config(
        broker=ALLOWED | {"keep_access_tokens": True},
        rate_limit={"enabled": False},
        forward_auth={"key": FORWARD_AUTH_KEY},
    )
    made, through = Run(), Gate.__call__

    def overheard(self, request):
        response = through(self, request)
        head = "\n".join(f"{name}: {value}" for name, value in response.items())
        cookies = response.cookies.output(header="")
        made.answers.append(f"{head}\n{cookies}\n{response.content.decode('latin-1')}")
        return response

    monkeypatch.setattr(Gate, "__call__", overheard)
    with ExitStack() as world:
        made.heard = world.enter_context(every_logger_at_debug())
        world.enter_context(django_capture_on_commit_callbacks(execute=True))
        upstream = world.enter_context(running_upstream())
        away = world.enter_context(remote.running_remote())
        people = world.enter_context(openid.running_openid())
        browser = Browser(scene.client.sibling(), scene.person)
        browser.sign_in()
        connect(made, browser, upstream, monkeypatch)
        vend(made, scene, upstream)
        servers(made, scene, away)
        sign_in(made, scene, people)
        proxy(made, browser, upstream)
        made.metrics = exposition()
    for number, token in enumerate({*upstream.tokens(), *away.tokens()} - {"rt-0"}):
        made.theirs[f"token {number}"] = token
    for number, asked in enumerate((*upstream.asked, *away.asked, *people.asked)):
        if verifier := asked["form"].get("code_verifier"):
            made.theirs[f"verifier {number}"] = verifier
    made.theirs |= {
        "client secret": SECRET, "registered secret": remote.SECRET, "pasted key": PASTED,
        "management token": remote.MANAGEMENT, "sign-in secret": openid.SECRET, "body": LEAK,
    }  # fmt: skip
    return made


def connect(made, browser, upstream, monkeypatch):
    """Connecting accounts: well, refused, failing, by others, and while we break ourselves."""
    from broker.connect import exchange

    provider = make_provider(upstream)
    make_forge(provider)

    def leave():
        return made.hop(browser.leave(provider.slug))

    stranger = Browser(browser.client.sibling(), person(make_user()))
    stranger.sign_in()
    sent = leave()
    assert 303 == browser.come_back(sent, error="access_denied").status_code
    sent = leave()
    stranger.come_back(sent, code=made.code())
    for failures in ([400], [500], [401]):
        upstream.failures = failures
        browser.come_back(leave(), code=made.code())
    with monkeypatch.context() as broken:
        broken.setattr(exchange, "store_credential", raise_nothing_in_particular)
        assert 500 == browser.come_back(leave(), code=made.code()).status_code
    sent = leave()
    code = made.code()
    assert 303 == browser.come_back(sent, code=code).status_code
    assert 400 == browser.come_back(sent, code=code).status_code
    browser.get("/connections")
    paste(browser, upstream)


def raise_nothing_in_particular(**members):
    raise RuntimeError("broken on purpose")


def paste(browser, upstream):
    from broker.providers import selectors

    row = make_provider(upstream)
    row.protocol, row.config_data, row.secret_sealed = "api_key", {"header_name": "X-Key"}, None
    row.save()
    selectors.drop()
    make_forge(row, slug="keyed")
    page = browser.get(browser.link(row.slug))
    form = form_with(page.text, url=str(page.url), field_name="api_key")
    for key in (f"{PASTED}\nx", PASTED):
        answer = browser.client.post_form(form.action, form.submission(api_key=key), page=page)
    assert 303 == answer.status_code
    browser.get("/connections")


def vend(made, scene, upstream):
    """Giving out tokens, with refreshes that go well, are refused and are lost on the way."""
    from broker.models import Connection
    from oauth.models import FrontingLink
    from oauth.resources import fronting
    from oauth.resources.selectors import find_resource

    delegation = make_delegation(scene)
    FrontingLink.objects.create(
        source=delegation.front, target=row_of(find_resource("forge")),
        scope_map={"read": ["read"], "write": ["read", "write"]},
    )  # fmt: skip
    fronting.drop()
    subject = delegation.subject_token()
    made.ours["subject token"] = subject
    mine = Connection.objects.filter(provider__protocol="oauth")
    for failures, drops in (([], False), ([500], False), ([], True), ([], False)):
        upstream.failures, upstream.drops = list(failures), drops
        mine.update(access_expires_at=None, access_sealed=None, status="active",
                    refresh_used_at=None, lease_until=None, lease_owner="")  # fmt: skip
        answer = delegation.gateway.exchange(subject, resource="forge", scope="read")
        if answer.status_code == 200:
            made.give_out(answer.json()["access_token"])
    # An attempt of unknown outcome, repeated: the connection is ended and the service told.
    mine.update(access_sealed=None, refresh_used_at=clock.now(), lease_until=clock.now())
    assert 400 == delegation.gateway.exchange(subject, resource="forge").status_code
    assert [one for one in made.told.values() if one & set(upstream.given)]


def row_of(view):
    from oauth.models import Resource

    return Resource.objects.get(slug=view.slug)


def servers(made, scene, away):
    """A remote server: discovered, registered at, connected to, refreshed, and removed."""
    page = Page(scene.client.sibling(), scene.person)
    page.sign_in()
    server = page.add(away.mcp)["uuid"]

    def leave():
        answer = page.initiate(server)
        assert answer.status_code == 200, answer.text
        return made.hop(dict(parse_qsl(urlsplit(answer.json()["authorizationUrl"]).query)))

    page.come_back(leave(), error="access_denied", error_description=LEAK)
    away.failures = [400]
    page.come_back(leave(), code=made.code())
    page.come_back(leave(), code=made.code())
    assert away.given
    from broker.models import Connection

    Connection.objects.filter(server__isnull=False).update(access_expires_at="2026-01-01T00:00Z")
    assert 200 == page.refresh(server).status_code
    Connection.objects.filter(server__isnull=False).update(access_expires_at="2026-01-01T00:00Z")
    away.failures = [400]
    assert 500 == page.refresh(server).status_code
    page.send("GET", "/api/servers")
    page.send("GET", "/api/connections")
    page.get("/mcp-servers")
    page.send("DELETE", f"/api/servers/{server}")


def sign_in(made, scene, people):
    """Signing in with another provider: well, and with a token that is not believed."""
    openid.register(people)
    visitor = openid.Visitor(scene.client.sibling(), people)
    for claims in ({"nonce": "another"}, {}):
        people.claims = claims
        sent = made.hop(visitor.leave())
        answer = people.answer(sent)
        made.theirs[f"code {len(made.theirs)}"] = answer["code"]
        visitor.come_back(sent, **answer)
    assert visitor.is_signed_in()


def proxy(made, browser, upstream):
    """A client behind an OAuth proxy, and the data plane that is told the user's own token."""
    gateway = Gateway(make_proxy(make_provider(upstream)), browser)
    assert 201 == gateway.register().status_code
    sent = made.hop(gateway.hop())
    code = dict(parse_qsl(urlsplit(
        browser.come_back(sent, code=made.code()).headers["location"]).query))["code"]  # fmt: skip
    tokens = gateway.redeem(code).json()
    rotated = gateway.refresh(tokens["refresh_token"]).json()
    made.ours |= {"gateway code": code, "gateway secret": gateway.secret}
    made.ours |= {f"gateway {name}": value for name, value in tokens.items() if "_token" in name}
    made.ours |= {f"rotated {name}": value for name, value in rotated.items() if "_token" in name}
    headers = {
        "authorization": f"Bearer {rotated['access_token']}",
        "x-forward-auth-key": FORWARD_AUTH_KEY,
    }
    answer = Client().get(f"/proxy/{gateway.proxy.slug}/authz", headers=headers)
    assert answer.status_code == 200, answer.content
    made.give_out(answer.headers["Authorization"].removeprefix("Bearer "))
    gateway.introspect(rotated["access_token"])
    gateway.refresh(tokens["refresh_token"])
    made.ours["forward key"] = FORWARD_AUTH_KEY


# --- The search ----------------------------------------------------------------------------------


def spellings(secret):
    """In clear, as a URL writes it, and inside of base64 at each of its three alignments."""
    yield secret
    yield quote(secret, safe="")
    yield secret.encode().hex()
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + secret.encode()).decode()
        # The edges depend on what stands beside it.
        inner = encoded[(before * 8 + 5) // 6 :].rstrip("=")[:-1]
        yield inner
        yield inner.replace("+", "-").replace("/", "_")


def found_in(text, secrets):
    """The names of the secrets that stand in the text, in any spelling."""
    return [name for name, secret in secrets.items() if any(s in text for s in spellings(secret))]


def require_none(places, secrets):
    """No secret stands in any of the places, [(name, text)]."""
    places = list(places)
    # Searched at once: place by place only where there is something to be found.
    if found_in("\n".join(text for _, text in places), secrets):
        for place, text in places:
            assert found_in(text, secrets) == [], f"{place}: {text}"


def stored():
    """Every column of every table of the database, Django's or not: its place and its text."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - names out of the catalogue
            names = [column[0] for column in cursor.description]
            for row in cursor.fetchall():
                for name, value in zip(names, row, strict=True):
                    if isinstance(value, bytes | memoryview):
                        yield f"{table}.{name}", bytes(value).decode("latin-1")
                    elif isinstance(value, dict | list):
                        yield f"{table}.{name}", json.dumps(value)
                    elif value is not None:
                        yield f"{table}.{name}", str(value)


def in_redis():
    """Every key and value."""
    if not shared.is_configured():
        return
    client = shared.client()
    readers = {
        b"string": client.get, b"hash": client.hgetall, b"set": client.smembers,
        b"list": lambda key: client.lrange(key, 0, -1),
        b"zset": lambda key: client.zrange(key, 0, -1),
    }  # fmt: skip
    for key in client.scan_iter():
        yield repr(key), f"{key!r} {readers[client.type(key)](key)!r}"


@pytest.mark.spec("Plugged.in", "P10", "MUST", "tokens of a service stand in clear nowhere")
@pytest.mark.spec("Negative tests", "D8.12", "MUST", "no secret, code, verifier or state in logs")
@pytest.mark.spec(
    "Negative tests", "D8.28", "MUST", "no upstream token in an answer, log or metric"
)
@pytest.mark.spec("OAuth proxy", "X10", "MUST", "the upstream token is never shown to the client")
def test_nothing_of_theirs_stands_anywhere_in_clear(run):
    everything = run.theirs | run.ours
    assert {"state", "code", "token", "verifier"} <= {n.rpartition(" ")[0] for n in run.theirs}
    assert all(len(secret) >= 20 for secret in everything.values())
    assert any("broken on purpose" in line for line in run.heard.written)

    columns = list(stored())
    assert "broker_connection.credential_sealed" in dict(columns)
    require_none(columns, everything)
    require_none(in_redis(), everything)
    require_none([("metrics", run.metrics)], everything)
    require_none((("written", line) for line in run.heard.written), everything)
    ours = run.heard.said_by(("authplane", "oauth.", "audit", "broker", "admin_api"))
    require_none((("said", line) for line in ours), everything)
    assert len(run.answers) > 50
    harmless = {number: text for number, text in enumerate(run.answers) if number not in run.told}
    require_none(harmless.items(), run.theirs)
    for number, told in run.told.items():
        others = {name: value for name, value in run.theirs.items() if value not in told}
        require_none([(number, run.answers[number])], others)


def test_the_search_finds_what_is_there():
    secret = "a-secret-of-twenty-letters/"
    for name in ("me", "you", "them"):
        pair = base64.b64encode(f"{name}:{secret}:more".encode()).decode()
        assert ["it"] == found_in(f"x{pair}y", {"it": secret})

    for text in (secret, quote(secret, safe=""), secret.encode().hex()):
        assert ["it"] == found_in(text, {"it": secret})
    assert [] == found_in("nothing of the kind", {"it": secret})
    with pytest.raises(AssertionError, match="there"):
        require_none([("here", ""), ("there", secret)], {"it": secret})
