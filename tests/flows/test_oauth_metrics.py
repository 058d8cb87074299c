"""What hops and refreshes count, as `/metrics` tells it: each hop is begun, and ends once."""

from __future__ import annotations

import contextlib
import random
from datetime import timedelta

import pytest

from authplane.core import clock
from broker import gauges, measures
from broker.connect import state
from broker.connect.cleanup import clean_states, purge_states
from broker.connections.services import revoke
from broker.models import Connection, ConnectState, Profile, Project, UpstreamServer
from broker.refresh.ahead import refresh_ahead
from broker.refresh.engine import ensure_fresh
from broker.refresh.outcomes import NoToken
from broker.remote.configuration import configured
from broker.remote.errors import DiscoveryFailed
from tests.support import servers
from tests.support.connecting import Browser, make_forge
from tests.support.factories import make_user, person
from tests.support.figures import AllChanges, Changes, exposition, figures
from tests.support.remote import running_remote
from tests.support.upstream import ALLOWED, make_connection, make_provider, running_upstream

pytestmark = pytest.mark.django_db

FORGE = 'provider="forge-1"'
HOPS = ("oauth_flow", "oauth_pkce", "oauth_sec", "oauth_int", "oauth_code", "mcp_oauth")
MARK = "m" * 43
NOWHERE = {"resource": "https://elsewhere.example/"}


@pytest.fixture
def upstream(override_config):
    override_config(broker=ALLOWED)
    with running_upstream() as world:
        yield world


@pytest.fixture
def provider(upstream):
    made = make_provider(upstream)
    make_forge(made)
    return made


@pytest.fixture
def browser(oauth):
    made = Browser(oauth, person(make_user()))
    made.sign_in()
    return made


@pytest.fixture
def stranger(oauth):
    made = Browser(oauth.sibling(), person(make_user()))
    made.sign_in()
    return made


@pytest.fixture
def row(provider):
    return make_connection(provider, make_user())


def begun(**members):
    """A hop, and what claims it."""
    given = {
        "kind": "connect", "redirect_uri": "https://as.example/cb", "upstream_client_id": "c",
        "user": None, "browser_mark": MARK, "now": clock.now(),
    } | members  # fmt: skip
    return state.begin(**given)


def claimed(hop, **members):
    given = {"kinds": ("connect", "server"), "user": None, "browser_mark": MARK} | members
    return state.claim(hop.state, **({"now": clock.now()} | given))


def make_server():
    project = Project.objects.create(user=make_user(), name="p")
    profile = Profile.objects.create(project=project, name="p")
    return UpstreamServer.objects.create(profile=profile, url="https://mcp.example/")


@pytest.mark.spec(
    "Plugged.in", "P20", "MUST", "every flow begins once and ends in exactly one outcome"
)
@pytest.mark.shows(
    "metric", "oauth_flows_total", "oauth_flow_duration_seconds", "mcp_oauth_flows_total",
    "mcp_oauth_flow_duration_seconds", "mcp_oauth_callbacks_total", "oauth_pkce_validations_total",
    "oauth_pkce_states_created_total",
)  # fmt: skip
@pytest.mark.parametrize(
    ("answer", "failures", "status", "legacy"),
    [
        ({"code": "c"}, [], "success", "success"),
        ({"error": "access_denied"}, [], "failure", "error"),
        ({"error": "server_error"}, [], "failure", "error"),
        ({"nothing": "useful"}, [], "failure", "error"),
        ({"code": "c"}, [400], "failure", "error"),
    ],
)
@pytest.mark.usefixtures("provider")
def test_a_hop_begins_and_ends_once(browser, upstream, answer, failures, status, legacy):  # noqa: PLR0917
    upstream.failures = failures

    with AllChanges(*HOPS) as changes:
        browser.come_back(browser.leave("forge-1"), **answer)

    assert changes.counted() == {
        f'oauth_flows_total{{{FORGE},status="initiated"}}': 1,
        f'oauth_flows_total{{{FORGE},status="{status}"}}': 1,
        f'mcp_oauth_flows_total{{{FORGE},server_type="provider",status="initiated"}}': 1,
        f'mcp_oauth_flows_total{{{FORGE},server_type="provider",status="{legacy}"}}': 1,
        f'mcp_oauth_callbacks_total{{{FORGE},status="{legacy}"}}': 1,
        'oauth_pkce_validations_total{reason="valid",status="success"}': 1,
        "oauth_pkce_states_created_total": 1,
    }
    assert 1 == changes.by[f'oauth_flow_duration_seconds_count{{{FORGE},status="{status}"}}']
    timed = f'mcp_oauth_flow_duration_seconds_count{{{FORGE},server_type="provider"}}'
    assert 1 == changes.by[timed]


@pytest.mark.shows(
    "metric", "oauth_security_events_total", "oauth_code_injection_attempts_total",
    "oauth_integrity_violations_total",
)  # fmt: skip
def test_somebody_elses_answer_is_an_injection_and_ends_nothing(browser, stranger, provider):
    sent = browser.leave("forge-1")

    with AllChanges(*HOPS) as changes:
        stranger.come_back(sent)

    assert changes.counted() == {
        "oauth_code_injection_attempts_total": 1,
        'oauth_security_events_total{event_type="code_injection",severity="critical"}': 1,
        'oauth_integrity_violations_total{violation_type="user_mismatch"}': 1,
        'oauth_pkce_validations_total{reason="user_mismatch",status="failure"}': 1,
        f'mcp_oauth_callbacks_total{{{FORGE},status="error"}}': 1,
    }


def test_an_altered_state_is_a_violation_and_the_end(browser, provider):
    sent = browser.leave("forge-1")
    ConnectState.objects.update(return_url="https://evil.example/")

    with AllChanges(*HOPS) as changes:
        browser.come_back(sent)

    assert changes.counted() == {
        'oauth_security_events_total{event_type="integrity_violation",severity="high"}': 1,
        'oauth_integrity_violations_total{violation_type="hash_mismatch"}': 1,
        'oauth_pkce_validations_total{reason="integrity",status="failure"}': 1,
        f'mcp_oauth_callbacks_total{{{FORGE},status="error"}}': 1,
        f'oauth_flows_total{{{FORGE},status="failure"}}': 1,
        f'mcp_oauth_flows_total{{{FORGE},server_type="provider",status="error"}}': 1,
    }


def test_unknown_used_and_late_states_end_nothing(browser, provider, frozen_clock):
    used, late = browser.leave("forge-1"), browser.leave("forge-1")
    browser.come_back(used)

    with AllChanges(*HOPS) as changes:
        browser.come_back(used)
        browser.come_back(used | {"state": "x" * 43})
        frozen_clock.shift(301)
        browser.come_back(late)

    assert changes.counted() == {
        'oauth_integrity_violations_total{violation_type="state_reuse"}': 1,
        'oauth_pkce_validations_total{reason="not_found",status="failure"}': 2,
        'oauth_pkce_validations_total{reason="expired",status="failure"}': 1,
        f'mcp_oauth_callbacks_total{{{FORGE},status="invalid_state"}}': 1,
        'mcp_oauth_callbacks_total{provider="other",status="invalid_state"}': 1,
        f'mcp_oauth_callbacks_total{{{FORGE},status="expired"}}': 1,
    }


@pytest.mark.shows("metric", "oauth_pkce_states_cleaned_total", "mcp_oauth_sessions_expired_total")
@pytest.mark.parametrize(("reason", "ended"), [("expired", "timeout"), ("manual", "cleanup")])
def test_hops_that_nobody_came_back_from(
    provider, frozen_clock, django_capture_on_commit_callbacks, reason, ended
):
    begun(provider=provider.pk)
    claimed(begun(provider=provider.pk))
    frozen_clock.shift(301)
    late = begun(provider=provider.pk)
    assert 0 == clean_states(clock.now())
    frozen_clock.shift(600)

    with AllChanges(*HOPS) as changes, django_capture_on_commit_callbacks(execute=True):
        assert 2 == clean_states(clock.now(), reason=reason)
        assert 0 == clean_states(clock.now(), reason=reason)

    assert changes.counted() == {
        f'oauth_pkce_states_cleaned_total{{reason="{reason}"}}': 2,
        f'mcp_oauth_sessions_expired_total{{{FORGE},reason="{ended}"}}': 2,
        f'oauth_flows_total{{{FORGE},status="failure"}}': 2,
        f'mcp_oauth_flows_total{{{FORGE},server_type="provider",status="error"}}': 2,
    }
    with pytest.raises(state.StateError, match="state_expired"):
        claimed(late)


def test_whoever_comes_after_the_cleaning_is_late_and_no_attacker(provider, frozen_clock):
    hop = begun(provider=provider.pk)
    frozen_clock.shift(1000)
    assert 1 == clean_states(clock.now())

    with (
        Changes("oauth_integrity_violations_total", 'violation_type="state_reuse"') as violations,
        pytest.raises(state.StateError, match="state_expired"),
    ):
        claimed(hop)

    assert 0 == violations.by


def test_hops_that_go_with_their_server(django_capture_on_commit_callbacks):
    server = make_server()
    begun(kind="server", server=server)
    done = claimed(begun(kind="server", server=server))
    state.conclude(done.row, outcome="connected", succeeded=True)

    with AllChanges(*HOPS) as changes, django_capture_on_commit_callbacks(execute=True):
        server.delete()

    assert changes.counted() == {
        'oauth_pkce_states_cleaned_total{reason="server_deleted"}': 1,
        'mcp_oauth_sessions_expired_total{provider="other",reason="manual_clear"}': 1,
        'oauth_flows_total{provider="other",status="failure"}': 1,
        'mcp_oauth_flows_total{provider="other",server_type="mcp_server",status="error"}': 1,
    }


@pytest.mark.spec(
    "Plugged.in", "P20", "MUST", "every flow begins once and ends in exactly one outcome"
)
def test_every_hop_ends_once_whatever_happens(
    provider, frozen_clock, django_capture_on_commit_callbacks
):
    """Two hundred hops in a random order of everything that can happen to one."""
    dice = random.Random(7)  # noqa: S311 - no secret
    servers = [make_server() for _ in range(4)]

    def fate(hop):
        what = dice.randrange(7)
        if what == 0:
            return
        if what == 1:
            ConnectState.objects.filter(state_hash=state.sha256_hex(hop.state)).update(issuer="x")
        try:
            mark = "n" * 43 if what == 2 else MARK
            row = claimed(hop, browser_mark=mark).row
        except state.StateError:
            return
        if what > 3:
            for _ in range(what - 3):
                state.conclude(row, outcome="connected", succeeded=what == 4)

    with AllChanges("oauth_flows") as changes, django_capture_on_commit_callbacks(execute=True):
        for number in range(200):
            is_server = dice.random() < 0.3
            where = {"kind": "server", "server": dice.choice(servers)} if is_server else {}
            fate(begun(**(where or {"provider": provider.pk})))
            if number == 150:
                servers.pop().delete()
                servers.pop().delete()
        frozen_clock.shift(3600)
        clean_states(clock.now())
        frozen_clock.shift(90000)
        purge_states(clock.now())

    ended = changes.by
    by_status = {
        status: sum(by for name, by in ended.items() if f'status="{status}"' in name)
        for status in ("initiated", "success", "failure")
    }
    assert 200 == by_status["initiated"] == by_status["success"] + by_status["failure"]
    assert by_status["success"] > 10
    assert not ConnectState.objects.exists()


@pytest.mark.spec("Plugged.in", "P18", "MUST", "a gauge tells what ends soon")
@pytest.mark.spec("Negative tests", "D8.13", "MUST", "gauges never go below zero")
@pytest.mark.shows(
    "metric", "oauth_active_tokens", "oauth_active_pkce_states", "oauth_tokens_expiring_soon",
    "mcp_oauth_sessions_active",
)  # fmt: skip
def test_gauges_count_what_there_is(provider, frozen_clock, query_budget):
    def now(*names):
        gauges.drop()
        read = figures()
        return [value for name in names for (of, _), value in read.items() if of == name]

    every = ("oauth_active_tokens", "oauth_active_pkce_states", "oauth_tokens_expiring_soon")
    assert [0, 0, 0] == now(*every)
    assert 'mcp_oauth_sessions_active{provider="other"} 0.0' in exposition()
    for seconds in (3600, 600, None):
        latest = make_connection(provider, make_user(), expires_in=seconds)
    begun(provider=provider.pk)
    begun(kind="server", server=make_server())
    claimed(begun(provider=provider.pk))

    assert [3, 2, 1] == now(*every)
    assert 'mcp_oauth_sessions_active{provider="forge-1"} 1.0' in exposition()
    assert 'mcp_oauth_sessions_active{provider="other"} 1.0' in exposition()
    gauges.drop()
    with query_budget(1):
        gauges._total(gauges.USABLE)()
        gauges._waiting_by_service()

    revoke(latest.pk, reason="user", now=clock.now())
    frozen_clock.shift(601)
    assert [2, 0, 0] == now(*every)
    purge_states(clock.now() + timedelta(days=2))
    assert [2, 0, 0] == now(*every)


def fresh(row, *, later=0, margin=60):
    try:
        ensure_fresh(row.pk, margin=margin, now=clock.now() + timedelta(seconds=later))
    except NoToken as told:
        return type(told).__name__
    return "token"


@pytest.mark.spec("Plugged.in", "P20", "MUST", "each way a refresh ends is counted once")
@pytest.mark.shows("metric", "oauth_token_refresh_total", "oauth_token_refresh_duration_seconds")
@pytest.mark.parametrize(
    ("switches", "columns", "status", "reason", "is_timed"),
    [
        ({}, {}, "success", "normal", "success"),
        ({"known": set()}, {}, "failure", "normal", "failure"),
        ({"failures": [401], "error": "invalid_client"}, {}, "failure", "normal", "failure"),
        ({"drops": True}, {}, "failure", "exception", "failure"),
        ({}, {"credential_sealed": None}, "failure", "no_refresh_token", None),
        ({}, {"status": "revoked"}, "failure", "no_record", None),
        ({}, {"credential_sealed": b"not sealed by us"}, "failure", "exception", None),
    ],
)
def test_how_a_refresh_ends(  # noqa: PLR0917
    row, upstream, switches, columns, status, reason, is_timed
):
    from authplane.core.crypto import CryptoError

    Connection.objects.update(**columns)
    for name, value in switches.items():
        setattr(upstream, name, value)

    with AllChanges("oauth_token_refresh") as changes:
        try:
            fresh(row)
        except CryptoError:
            assert "exception" == reason

    counted = {f'oauth_token_refresh_total{{reason="{reason}",status="{status}"}}': 1}
    assert counted == changes.counted()
    timed = {f'oauth_token_refresh_duration_seconds_count{{status="{is_timed}"}}': 1}
    assert (timed if is_timed else {}) == {k: v for k, v in changes.by.items() if "_count" in k}


@pytest.mark.spec("Plugged.in", "P20", "MUST", "a reuse is an attack and a revocation")
@pytest.mark.shows("metric", "oauth_token_revocations_total")
def test_a_reuse_is_an_attack_and_a_revocation(row, upstream, django_capture_on_commit_callbacks):
    upstream.drops = True
    fresh(row)
    Connection.objects.update(lease_until=clock.now() - timedelta(seconds=1))

    with (
        AllChanges("oauth_token", "oauth_security") as changes,
        django_capture_on_commit_callbacks(execute=True),
    ):
        assert "TokenReuseDetected" == fresh(row)

    assert changes.counted() == {
        'oauth_token_refresh_total{reason="security",status="reuse_detected"}': 1,
        'oauth_token_revocations_total{reason="reuse_detected"}': 1,
        'oauth_security_events_total{event_type="token_reuse",severity="critical"}': 1,
    }


def test_disconnecting_is_a_revocation(row, django_capture_on_commit_callbacks):
    with (
        Changes("oauth_token_revocations_total", 'reason="manual"') as manual,
        django_capture_on_commit_callbacks(execute=True),
    ):
        assert revoke(row.pk, reason="user", now=clock.now())
        assert not revoke(row.pk, reason="user", now=clock.now())

    assert 1 == manual.by


@pytest.mark.shows(
    "metric", "oauth_scheduled_refresh_total", "oauth_scheduled_refresh_duration_seconds",
    "oauth_scheduled_refresh_errors_total",
)  # fmt: skip
@pytest.mark.parametrize(
    ("outcomes", "counted"),
    [
        (["renewed", "renewed"], {"success", "normal"}),
        (["renewed", "failed"], {"failure", "partial_failure"}),
        (["failed", "failed"], {"failure", "complete_failure"}),
        ([], {"success", "normal"}),
    ],
)
def test_a_round_of_renewal(provider, monkeypatch, outcomes, counted):
    """The threads of a round do not see a test's transaction: what they found is made up."""
    from broker.refresh import ahead

    several = iter(outcomes)
    due = {None: [make_user().pk for _ in outcomes]} if outcomes else {}
    monkeypatch.setattr(ahead, "_due", lambda *_, **__: due)
    monkeypatch.setattr(ahead, "_renew", lambda *_, **__: next(several))

    with AllChanges("oauth_scheduled") as changes:
        refresh_ahead()

    (name, by), *others = changes.counted().items()
    assert (1, []) == (by, others)
    assert all(f'="{one}"' in name for one in counted)
    assert any(k.startswith("oauth_scheduled_refresh_duration_seconds_count") for k in changes.by)


@pytest.mark.parametrize(
    ("switches", "columns", "counted"),
    [
        ({"failures": [500]}, {}, "endpoint_error"),
        ({}, {"credential_sealed": None}, "no_refresh_token"),
        ({}, {"credential_sealed": b"not sealed by us"}, "exception"),
    ],
)
def test_why_a_connection_was_not_renewed(row, upstream, switches, columns, counted):
    from broker.refresh import ahead

    Connection.objects.update(access_sealed=None, **columns)
    for name, value in switches.items():
        setattr(upstream, name, value)

    with AllChanges("oauth_scheduled_refresh_errors") as changes:
        ahead._outcome(row.pk, lambda: ensure_fresh(row.pk, margin=60, now=clock.now()), done="")

    assert {f'oauth_scheduled_refresh_errors_total{{error_type="{counted}"}}': 1} == changes.by


@pytest.mark.shows(
    "metric", "oauth_discovery_attempts_total", "oauth_discovery_duration_seconds",
    "oauth_client_registrations_total", "oauth_client_registration_duration_seconds",
)  # fmt: skip
@pytest.mark.parametrize(
    ("switches", "searches", "registered"),
    [
        ({}, {("www-authenticate", "success")}, "success"),
        ({"challenge": ""}, {("rfc9728", "success")}, "success"),
        ({"registration_status": 400}, {("www-authenticate", "success")}, "failure"),
        ({"places": ()}, {("www-authenticate", "failure")}, None),
        ({"challenge": "", "resource_overrides": NOWHERE}, {("rfc9728", "failure")}, None),
        ({"challenge": "", "is_old": True},
         {("rfc9728", "failure"), ("manual", "success")}, "success"),
    ],
)  # fmt: skip
def test_a_remote_server_is_searched_and_registered_at(
    override_config, switches, searches, registered
):
    override_config(broker=ALLOWED)
    switches = dict(switches)
    is_old = switches.pop("is_old", False)
    with running_remote(**switches) as world, AllChanges("oauth_disc", "oauth_client") as changes:
        if is_old:
            del world.documents["/.well-known/oauth-protected-resource/mcp"]
        with contextlib.suppress(DiscoveryFailed):
            configured(servers.make_server(make_user(), world.mcp), now=clock.now())

    counted = {
        f'oauth_discovery_attempts_total{{method="{method}",status="{status}"}}': 1
        for method, status in searches
    }
    if registered:
        counted[f'oauth_client_registrations_total{{status="{registered}"}}'] = 1
    assert counted == changes.counted()
    timed = {name for name in changes.by if "_seconds_count" in name}
    assert len(counted) == len(timed)


def test_alarms_have_something_to_rise_from():
    """A series that begins with 1 never rose, for Prometheus: the first attack would be missed."""
    read = figures()

    for name, several in measures._CLOSED.items():
        for labels in several:
            assert any(
                of == name and all(f'"{label}"' in text for label in labels) for of, text in read
            )
    assert ("oauth_code_injection_attempts_total", "") in read
    assert not [name for name, _ in read if name.endswith("_created")]
