"""`manage.py authplane doctor`: each check with what is good and what is bad."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import json
import ssl
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
import redis as redis_client
from django.core import checks as system
from django.db import DatabaseError, connection
from django.test import Client
from django.utils.http import http_date

from admin_api.commands.main import main
from admin_api.doctor import credentials, issuer, keys, running, settings, stores, work
from admin_api.doctor.findings import Level, fine, suspicious, wrong
from admin_api.doctor.running import CHECKS, examine, is_wrong
from admin_api.doctor.scene import Scene, cause_of
from admin_api.models import AdminApiKey
from authplane.core import arrival, clock, crypto, shared
from authplane.core.addresses import is_public
from authplane.core.config import config
from authplane.core.fetch import Fetched, FetchFailed
from authplane.core.models import ScheduledRun
from broker.models import BrokerProvider
from broker.providers import services as providers
from oauth.keys.rotation import ensure_first_key, rotate
from oauth.models import SigningKey, TrustedIdP
from tests.support.background import answering
from tests.support.certificates import DAY, issue, names

pytestmark = pytest.mark.django_db

FINE, SUSPICIOUS, WRONG, UNKNOWN = Level.FINE, Level.SUSPICIOUS, Level.WRONG, Level.UNKNOWN


class Here(Scene):
    """The issuer is this process: what is asked is answered by its own views."""

    environment = {"REMOTE_ADDR": "203.0.113.9"}
    instead: dict = {}
    dated: float | None = None

    def ask(self, path, *, headers=None, certificate=False):
        if path in self.instead:
            answer = self.instead[path]
            if isinstance(answer, Exception):
                raise answer
            return answer
        answer = Client(**self.environment).get(path, headers=headers)
        date = http_date(self.dated or time.time())
        body = answer.content
        parsed = json.loads(body) if "json" in answer.headers.get("Content-Type", "") else None
        return Fetched(answer.status_code, {"date": date}, body, parsed)


@pytest.fixture
def scene(settings):
    settings.ROOT_URLCONF = "authplane.urls.public"
    made = type("Scene", (Here,), {"instead": {}, "environment": dict(Here.environment)})
    return made(config().server.issuer)


def found(check, scene=None):
    """The worst level, and everything that was said."""
    findings = list(check(scene or Scene.here()))
    order = [UNKNOWN, FINE, SUSPICIOUS, WRONG]
    assert findings, "a check that says nothing"
    assert all(one.advice for one in findings if one.level in {SUSPICIOUS, WRONG})
    said = " ".join(f"{one.text} {one.advice}" for one in findings)
    return max((one.level for one in findings), key=order.index), said


LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
GONE = FetchFailed("took too long")


class TestIssuer:
    def test_its_metadata_are_ours_byte_for_byte(self, scene):
        assert found(issuer.metadata, scene)[0] is FINE

    def test_other_metadata_are_told_by_their_members(self, scene):
        document = scene.ask(scene.metadata_path()).json
        other = document | {"token_endpoint": "https://elsewhere.example", "secret_member": "x"}
        body = json.dumps(other).encode()
        scene.instead[scene.metadata_path()] = Fetched(200, {}, body, other)

        level, said = found(issuer.metadata, scene)
        assert level is WRONG
        assert "token_endpoint and 1 more members" in said
        assert "elsewhere" not in said

    def test_the_same_members_written_otherwise(self, scene):
        document = scene.ask(scene.metadata_path()).json
        body = json.dumps(document, indent=1).encode()
        scene.instead[scene.metadata_path()] = Fetched(200, {}, body, document)

        assert "the same members, written otherwise" in found(issuer.metadata, scene)[1]

    @pytest.mark.parametrize("instead", [GONE, Fetched(404, {}, b"", None),
                                         Fetched(200, {}, b"<html>", None)])  # fmt: skip
    def test_out_of_reach_or_something_else(self, scene, instead):
        scene.instead[scene.metadata_path()] = instead

        assert found(issuer.metadata, scene)[0] is WRONG

    def test_keys(self, scene):
        ensure_first_key()
        assert found(issuer.key_set, scene)[0] is FINE

        place = urlsplit(scene.ask(scene.metadata_path()).json["jwks_uri"]).path
        scene.instead[place] = Fetched(200, {}, b"", {"keys": [{"kid": "another"}]})
        assert found(issuer.key_set, scene)[0] is WRONG
        scene.instead[place] = GONE
        assert found(issuer.key_set, scene)[0] is UNKNOWN

    def test_no_listener_answers_for_the_other(self, scene, settings):
        assert found(issuer.listeners, scene)[0] is FINE

        settings.ROOT_URLCONF = "authplane.urls.both"
        level, said = found(issuer.listeners, scene)
        assert (level, "/admin/clients (401)" in said) == (WRONG, True)

    @pytest.mark.parametrize(("offset", "level"), [(0, FINE), (10, SUSPICIOUS), (-90, WRONG)])
    def test_its_clock(self, scene, offset, level):
        type(scene).dated = time.time() + offset

        assert found(issuer.date, scene)[0] is level

    @pytest.mark.parametrize(
        ("addresses", "level"),
        [
            (["8.8.8.8", "2001:4860:4860::8888"], FINE),
            (["8.8.8.8", "10.0.0.7"], WRONG),
            (["10.0.0.7"], SUSPICIOUS),
            (None, WRONG),
        ],
    )
    def test_its_name(self, scene, monkeypatch, override_config, addresses, level):
        def resolve(*_, **__):
            if addresses is None:
                raise FetchFailed("host cannot be resolved")
            return addresses

        override_config(server={"issuer": "https://auth.example"})
        monkeypatch.setattr(issuer, "resolve", resolve)

        assert is_public("8.8.8.8")
        assert found(issuer.name, scene)[0] is level

    def test_this_machine_alone(self, scene, override_config):
        assert found(issuer.issuer_setting, scene)[0] is SUSPICIOUS
        override_config(server={"issuer": "https://auth.example"})
        assert found(issuer.issuer_setting, scene)[0] is FINE


class TestProxies:
    @pytest.mark.parametrize(
        ("trusted", "forwarded", "expected"),
        [
            (0, None, (FINE, "0 proxies")),
            # Nobody in between adds anything, and one entry is believed: the caller's own.
            (1, None, (WRONG, "TRUSTED_PROXIES=0")),
            (1, "203.0.113.9", (FINE, "1 proxies")),
            (2, "203.0.113.9", (WRONG, "TRUSTED_PROXIES=1")),
            (0, "203.0.113.9", (SUSPICIOUS, "TRUSTED_PROXIES=1")),
            (1, "203.0.113.9, 10.0.0.1", (SUSPICIOUS, "TRUSTED_PROXIES=2")),
        ],
    )
    def test_what_is_trusted_against_what_arrives(
        self, scene, override_config, trusted, forwarded, expected
    ):
        override_config(server={"trusted_proxies": trusted})

        def through_proxies(path, *, headers=None, certificate=False):
            chain = ", ".join(filter(None, [headers["X-Forwarded-For"], forwarded]))
            return Here.ask(scene, path, headers=headers | {"X-Forwarded-For": chain})

        type(scene).ask = lambda self, *args, **options: through_proxies(*args, **options)
        level, said = found(issuer.proxies, scene)

        assert (level, expected[1] in said) == (expected[0], True)

    def test_a_proxy_that_replaces_the_header(self):
        told = {"forwarded_for": ["198.51.100.4"], "trusted_proxies": 1, "address": "198.51.100.4"}

        assert issuer.judge_arrival(told).level is FINE

    def test_more_trusted_than_passed_without_a_forgery(self):
        told = {"forwarded_for": ["198.51.100.4"], "trusted_proxies": 2, "address": "10.0.0.1"}

        assert issuer.judge_arrival(told).level is SUSPICIOUS

    def test_another_deployment_does_not_know_the_probe(self, scene):
        scene.instead[arrival.PATH] = Fetched(404, {}, b"", {"error": "not_found"})

        assert found(issuer.proxies, scene)[0] is UNKNOWN


class TestArrival:
    def ask(self, probe, **options):
        return Client().get(arrival.PATH, headers={arrival.HEADER: probe} | options)

    def test_tells_whoever_holds_the_key(self):
        answer = self.ask(arrival.new_probe(), **{"X-Forwarded-For": "192.0.2.1, 10.0.0.1"})

        assert answer.status_code == 200
        assert answer.json()["forwarded_for"] == ["192.0.2.1", "10.0.0.1"]
        assert answer.json()["address"] == "127.0.0.1"
        assert answer.headers["Cache-Control"] == "no-store"

    def test_does_not_exist_for_anybody_else(self, frozen_clock):
        probe = arrival.new_probe()

        assert Client().get(arrival.PATH).status_code == 404
        assert self.ask(probe[:-1] + ("A" if probe[-1] != "A" else "B")).status_code == 404
        assert Client().post(arrival.PATH, headers={arrival.HEADER: probe}).status_code == 404
        frozen_clock.shift(arrival.SECONDS + 1)
        assert self.ask(probe).status_code == 404

    def test_without_a_key_there_is_no_probe(self, override_config):
        override_config(secrets={"integrity": "", "integrity_old": ""})

        assert arrival.new_probe() == ""
        assert self.ask("").status_code == 404


class Quiet(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def https(tmp_path, monkeypatch):
    """A server on this machine with a certificate of an authority that is trusted here."""
    authority = issue("Authority", authority=True, lasts=365 * DAY)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.write(tmp_path, "authority")[0]))
    until_the_end = contextlib.ExitStack()

    def start(*, lasts, host="localhost"):
        own = issue(host, issuer=authority, san=names(dns=host), lasts=lasts)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*own.write(tmp_path, "server"))
        server = ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        until_the_end.enter_context(answering(server))
        return Scene(f"https://localhost:{server.server_address[1]}", timeout=5)

    with until_the_end:
        yield start


class TestCertificate:
    @pytest.mark.parametrize(("days", "level"), [(60, FINE), (10, SUSPICIOUS), (3, WRONG)])
    def test_how_long_it_lasts(self, https, days, level):
        assert (
            found(issuer.certificate, https(lasts=days * DAY + dt.timedelta(hours=1)))[0] is level
        )

    def test_one_that_ended_says_so(self, https):
        level, said = found(issuer.certificate, https(lasts=-DAY))

        assert (level, "certificate has expired" in said) == (WRONG, True)

    def test_one_of_another_host(self, https):
        level, said = found(issuer.certificate, https(lasts=DAY, host="other.example"))

        assert (level, "not accepted" in said) == (WRONG, True)

    def test_none_on_this_machine(self):
        assert found(issuer.certificate, Scene("http://localhost:9000"))[0] is UNKNOWN

    def test_a_cause_is_told_without_its_text(self):
        assert cause_of(ValueError("secret")) == "ValueError"


class TestStores:
    def test_the_database_answers(self, monkeypatch):
        expected = FINE if connection.vendor == "postgresql" else SUSPICIOUS
        assert found(stores.database)[0] is expected

        class Away:
            def cursor(self):
                raise DatabaseError("password=hush")

        monkeypatch.setattr(stores, "connection", Away())
        level, said = found(stores.database)
        assert (level, "hush" in said) == (WRONG, False)

    def test_migrations(self, monkeypatch):
        assert found(stores.migrations)[0] is FINE

        step = SimpleNamespace(app_label="oauth", name="0099_more")
        plan = [(step, False)]
        monkeypatch.setattr(stores.MigrationExecutor, "migration_plan", lambda *_: plan)
        level, said = found(stores.migrations)
        assert (level, "oauth.0099_more" in said, "prepare" in said) == (WRONG, True, True)

    def test_redis(self, monkeypatch):
        monkeypatch.setattr(shared, "is_configured", lambda: True)
        answers = {"maxmemory-policy": "noeviction"}
        monkeypatch.setattr(shared, "ask", lambda _: answers)
        assert found(stores.redis)[0] is FINE

        answers["maxmemory-policy"] = "allkeys-lru"
        assert found(stores.redis)[0] is SUSPICIOUS

    def test_redis_away(self, monkeypatch):
        def fail(_):
            raise shared.SharedStateDown from redis_client.ConnectionError("redis://:hush@host")

        monkeypatch.setattr(shared, "is_configured", lambda: True)
        monkeypatch.setattr(shared, "ask", fail)
        monkeypatch.setattr(stores, "_pings", lambda: False)
        level, said = found(stores.redis)
        assert (level, "hush" in said) == (WRONG, False)
        monkeypatch.setattr(stores, "_pings", lambda: True)
        assert found(stores.redis)[0] is FINE

    def test_without_redis(self, monkeypatch):
        monkeypatch.setattr(shared, "is_configured", lambda: False)

        assert found(stores.redis)[0] in {SUSPICIOUS, UNKNOWN}

    @pytest.mark.parametrize(("ahead", "level"), [(0, FINE), (8, SUSPICIOUS), (60, WRONG)])
    def test_clocks(self, monkeypatch, ahead, level):
        monkeypatch.setattr(shared, "is_configured", lambda: True)
        monkeypatch.setattr(shared, "ask", lambda _: (int(time.time()) + ahead, 0))

        assert found(stores.clocks)[0] is level

    @pytest.mark.parametrize(("mib", "level"), [(5000, FINE), (500, SUSPICIOUS), (50, WRONG)])
    def test_room_on_the_disk(self, monkeypatch, override_config, tmp_path, mib, level):
        usage = SimpleNamespace(free=mib * stores.MIB)
        monkeypatch.setattr(stores.shutil, "disk_usage", lambda _: usage)
        override_config(server={"data_dir": str(tmp_path)})

        assert found(stores.disk)[0] is level

    def test_secrets_that_others_may_read(self, override_config, tmp_path):
        override_config(server={"data_dir": str(tmp_path)})
        folder = tmp_path / "secrets"
        folder.mkdir(mode=0o700)
        assert found(stores.disk)[0] is FINE

        folder.chmod(0o755)
        level, said = found(stores.disk)
        assert (level, "chmod" in said) == (WRONG, True)


class TestKeys:
    def test_one_signs_and_is_young(self):
        assert found(keys.signing)[0] is WRONG
        ensure_first_key()
        assert found(keys.signing)[0] is FINE
        rotate()
        assert "follows" in found(keys.signing)[1]

    @pytest.mark.parametrize(
        ("age", "interval", "level"),
        [(100, 90, WRONG), (90.5, 90, FINE), (400, 0, SUSPICIOUS)],
    )
    def test_one_that_should_have_been_replaced(self, override_config, age, interval, level):
        override_config(signing={"rotation_interval": interval * 86400})
        ensure_first_key()
        SigningKey.objects.update(activates_at=clock.now() - dt.timedelta(days=age))

        assert found(keys.signing)[0] is level

    def test_sealed_values(self, override_config):
        providers.create_provider({"slug": "up", "preset": "github", "secret": "hush",
                                   "config_data": {"client_id": "c"}})  # fmt: skip
        assert found(keys.sealed)[0] is FINE

        before = config().secrets.data
        override_config(secrets={"data": "5c" * 32, "data_old": before})
        level, said = found(keys.sealed)
        assert (level, "broker_brokerprovider" in said) == (SUSPICIOUS, True)
        override_config(secrets={"data": "5c" * 32, "data_old": ""})
        level, said = found(keys.sealed)
        assert (level, "rotate_secrets" in said) == (WRONG, True)
        assert found(keys.system_checks)[0] is WRONG

    def test_data_keys_that_cannot_be_had(self, monkeypatch):
        def fail():
            raise crypto.CryptoError("no data key")

        monkeypatch.setattr(crypto, "present_key_name", fail)
        assert found(keys.sealed)[0] is WRONG

    def test_checks_of_the_server_itself(self, monkeypatch):
        monkeypatch.setattr(system, "run_checks", lambda **_: [])
        assert found(keys.system_checks)[0] is FINE
        warning = system.Warning("odd", hint="mend it", id="authplane.W999")
        monkeypatch.setattr(system, "run_checks", lambda **_: [warning])
        assert found(keys.system_checks) == (SUSPICIOUS, "odd (authplane.W999) mend it")


class TestSchedule:
    @pytest.fixture
    def ran(self):
        def all_ran(ago):
            ScheduledRun.objects.all().delete()
            at = clock.now() - dt.timedelta(seconds=ago)
            ScheduledRun.objects.bulk_create(
                ScheduledRun(name=name, started_at=at, finished_at=at) for name in work.planned()
            )

        return all_ran

    def test_everything_in_time(self, ran):
        ran(1)
        assert found(work.schedule)[0] is FINE

    def test_nothing_is_due_right_after_a_migration(self, monkeypatch):
        monkeypatch.setattr(work, "_set_up_at", clock.now)
        assert found(work.schedule)[0] is FINE

    def test_nothing_ever(self, monkeypatch):
        monkeypatch.setattr(work, "_set_up_at", lambda: LONG_AGO)
        level, said = found(work.schedule)
        assert (level, "worker -B" in said) == (WRONG, True)

    def test_nothing_since(self, ran):
        ran(400 * 86400)
        assert "no scheduled work was done since" in found(work.schedule)[1]

    def test_one_that_is_late_and_one_that_failed(self, ran, monkeypatch):
        monkeypatch.setattr(work, "_set_up_at", lambda: LONG_AGO)
        ran(1)
        late, failed = sorted(work.planned())[:2]
        ScheduledRun.objects.filter(name=late).delete()
        ScheduledRun.objects.filter(name=failed).update(error="DatabaseError")

        level, said = found(work.schedule)
        assert level is WRONG
        assert f"overdue: {late} " in said
        assert f"{failed} failed when it last ran: DatabaseError" in said


class TestSettings:
    GOOD = {"rate_limit": {"enabled": True, "auth_fail_max": 10},
            "metrics": {"username": "prometheus", "password": "long enough"}}  # fmt: skip

    @pytest.mark.parametrize(
        ("bad", "told"),
        [
            ({}, ""),
            ({"rate_limit": {"enabled": False}}, "not limited"),
            ({"rate_limit": {"auth_fail_max": 0}}, "lock nothing"),
            ({"metrics": {"username": ""}}, "/metrics"),
            ({"metrics": {"password": ""}}, "no password"),
        ],
    )
    def test_what_protects_is_on(self, override_config, bad, told):
        override_config(**self.GOOD)
        override_config(**bad)
        level, said = found(settings.weak_settings)

        assert (level is FINE, told in said) == (not bad, True)

    def test_secrets_are_random_and_old_ones_gone(self, override_config):
        good = {name: f"{name}-0123456789abcdef" for name in
                ("session", "csrf", "integrity", "pepper")}  # fmt: skip
        gone = dict.fromkeys(("session_old", "csrf_old", "integrity_old", "pepper_old", "data_old"),
                             "")  # fmt: skip
        override_config(secrets=good | gone | {"data": "0123456789abcdef" * 4},
                        admin={"api_key": "0123456789abcdef"})  # fmt: skip
        assert found(settings.secrets)[0] is FINE

        override_config(secrets={"session_old": "what-was-before-01"})
        assert "AUTHPLANE_SESSION_SECRET_OLD" in found(settings.secrets)[1]
        override_config(
            secrets={"pepper": "aaaaaaaabbbbbbbb"}, server={"issuer": "https://a.example"}
        )
        level, said = found(settings.secrets)
        assert (level, "PEPPER" in said, "aaaabbbb" in said) == (WRONG, True, False)
        override_config(secrets={"data": ""})
        assert "no data key" in found(settings.secrets)[1]

    def test_mail(self):
        assert found(settings.mail)[0] is UNKNOWN


class TestCredentials:
    def test_secrets_of_providers(self):
        assert found(credentials.provider_secrets)[0] is UNKNOWN
        providers.create_provider({"slug": "up", "preset": "github", "secret": "hush",
                                   "config_data": {"client_id": "c"}})  # fmt: skip
        assert found(credentials.provider_secrets)[0] is FINE

        BrokerProvider.objects.update(secret_sealed=b"not sealed")
        level, said = found(credentials.provider_secrets)
        assert (level, "up cannot be had" in said) == (WRONG, True)

    def test_what_ends_soon(self):
        assert found(credentials.expiring)[0] is FINE

        soon = clock.now() + dt.timedelta(days=3)
        AdminApiKey.objects.create(name="ci", role="viewer", expires_at=soon, key_hash="x")
        level, said = found(credentials.expiring)
        assert (level, "administrator's key ci" in said) == (SUSPICIOUS, True)

    def test_keys_of_identity_providers(self, monkeypatch):
        assert found(credentials.idp_keys)[0] is UNKNOWN
        TrustedIdP.objects.create(name="Okta", issuer="https://o.example",
                                  jwks_uri="https://o.example/jwks")  # fmt: skip
        monkeypatch.setattr(credentials, "keys_for", lambda *_, **__: [{"kid": "1"}])
        assert found(credentials.idp_keys)[0] is FINE
        monkeypatch.setattr(credentials, "keys_for", lambda *_, **__: [])
        assert found(credentials.idp_keys)[0] is WRONG


class TestTheWhole:
    @pytest.fixture(autouse=True)
    def _threads_without_database(self, monkeypatch):
        monkeypatch.setattr(running.connections, "close_all", lambda: None)

    def test_no_check_can_stop_the_others(self):
        def slow(_):
            time.sleep(1)
            yield fine("late")

        def broken(_):
            raise ValueError("hush")

        def away(_):
            raise DatabaseError("password=hush")

        told = examine(
            Scene("http://localhost:1", timeout=0.05),
            checks={
                "slow": slow,
                "broken": broken,
                "away": away,
                "good": lambda _: iter([fine("well")]),
            },
        )
        said = {one.check: one.findings[0] for one in told}

        assert "took too long" in said["slow"].text
        assert said["broken"].text == "the check itself failed: ValueError"
        assert (said["away"].level, "hush" in said["away"].text) == (UNKNOWN, False)
        assert said["good"].level is FINE
        assert is_wrong(told)

    @pytest.fixture
    def only(self, monkeypatch):
        def put(*findings):
            monkeypatch.setattr(running, "CHECKS", {})
            monkeypatch.setattr(
                "admin_api.doctor.command.examine",
                lambda *_, **__: [running.Told("tls", findings)],
            )

        return put

    @pytest.mark.parametrize(
        ("finding", "status"),
        [(fine("well"), 0), (suspicious("odd", "look"), 0), (wrong("broken", "mend it"), 1)],
    )
    def test_exit_status_and_words(self, only, capsys, finding, status):
        only(finding)

        assert main(["doctor"]) == status
        told = capsys.readouterr().out
        assert finding.text in told
        assert finding.advice in told

        assert main(["doctor", "--json"]) == status
        document = json.loads(capsys.readouterr().out)
        assert document["ok"] == (status == 0)
        assert document["checks"] == [{"check": "tls", "findings": [dataclasses.asdict(finding)]}]

    def test_what_it_can_be_told(self, capsys):
        assert main(["doctor", "--list"]) == 0
        assert all(name in capsys.readouterr().out or name for name in CHECKS)
        assert main(["doctor", "--only", "nothing"]) == 2
        assert main(["doctor", "--timeout", "0"]) == 2
        assert main(["doctor", "--only", "mail"]) == 0
