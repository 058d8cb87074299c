"""Health for everybody, metrics for those with the password, each on its listener."""

from __future__ import annotations

import base64
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.db import OperationalError
from django.test import Client

from authplane.core import health, metrics
from authplane.core.config import config, override_config

ROOT = Path(__file__).resolve().parents[2]
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@pytest.fixture
def http():
    return Client(raise_request_exception=False)


def basic(username, password):
    pair = base64.b64encode(f"{username}:{password}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def right():
    return basic(config().metrics.username, config().metrics.password)


@pytest.mark.spec("Plugged.in", "P31", "MUST", "health is 200 or 503 and names what was checked")
@pytest.mark.parametrize(("url", "word"), [("/health", "ok"), ("/ready", "ready")])
def test_health_with_a_database(http, monkeypatch, url, word):
    monkeypatch.setattr(health, "ping", lambda: True)
    answer = http.get(url)

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert {**answer.json(), "time": ""} == {"status": word, "time": "", "db": "ok"}
    assert TIME.fullmatch(answer.json()["time"])


@pytest.mark.spec("Plugged.in", "P31", "MUST", "health is 200 or 503 and names what was checked")
@pytest.mark.parametrize(("url", "word"), [("/health", "degraded"), ("/ready", "not_ready")])
def test_health_without_a_database(http, monkeypatch, url, word):
    monkeypatch.setattr(health, "ping", lambda: False)
    answer = http.get(url)

    assert answer.status_code == 503
    assert {**answer.json(), "time": ""} == {"status": word, "time": "", "db": "error"}


def test_liveness_touches_nothing(http, monkeypatch):
    monkeypatch.setattr(health, "ping", lambda: pytest.fail("asked the database"))
    answer = http.get("/livez")

    assert answer.status_code == 200
    assert answer.json().keys() == {"status", "time"}
    assert answer.json()["status"] == "alive"


def test_a_hanging_database_is_not_waited_for_and_does_not_pile_up(http, monkeypatch):
    pings = []

    def hang():
        pings.append(1)
        time.sleep(0.4)
        return True

    monkeypatch.setattr(health, "ping", hang)
    monkeypatch.setattr(health, "READY_LIMIT", 0.05)
    started = time.monotonic()

    assert [http.get("/ready").status_code for _ in range(3)] == [503, 503, 503]
    assert time.monotonic() - started < 0.4
    assert len(pings) == 1
    time.sleep(0.5)


@pytest.mark.django_db(transaction=True)
def test_the_ping_reaches_the_real_database():
    assert health.ping()


@pytest.mark.parametrize("url", ["/health", "/ready", "/livez"])
def test_health_is_read_only(http, monkeypatch, url):
    monkeypatch.setattr(health, "ping", lambda: True)
    assert http.post(url).status_code == 405
    assert http.head(url).status_code in {200, 503}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        basic("metrics", "wrong"),
        basic("wrong", "metrics-password-of-the-test-suite-07"),
        basic("", ""),
        {"Authorization": "Basic !!!"},
        {"Authorization": "Basic"},
        {"Authorization": "Bearer metrics-password-of-the-test-suite-07"},
        {"Authorization": "Basic " + base64.b64encode(b"\xff:\xff").decode()},
    ],
)
def test_metrics_are_refused_without_the_password(http, headers):
    answer = http.get("/metrics", headers=headers)

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    assert b"authserver_" not in answer.content


@pytest.mark.shows("setting", "metrics.username", "metrics.password")
@pytest.mark.parametrize("unset", [{"username": "", "password": ""}, {"password": ""}])
def test_metrics_without_configured_credentials_are_closed(http, unset):
    with override_config(metrics=unset):
        assert http.get("/metrics", headers=basic("", "")).status_code == 401
        assert http.get("/metrics", headers=right()).status_code == 401


@pytest.mark.django_db
def test_every_declared_metric_is_exposed(http):
    answer = http.get("/metrics", headers=right())

    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain")
    text = answer.content.decode()
    for name in (*metrics.COUNTERS, *metrics.HISTOGRAMS):
        assert f"# HELP {name}" in text or f"# HELP {name.removesuffix('_total')}" in text
    assert "django_http_requests_before_middlewares_total" in text


def value_of(text, line):
    found = re.search(rf"^{re.escape(line)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


@pytest.mark.django_db
@pytest.mark.shows(
    "metric", "authserver_http_requests_total", "authserver_http_request_duration_seconds"
)
def test_requests_are_counted_by_route_and_never_by_path(http):
    def read():
        return http.get("/metrics", headers=right()).content.decode()

    labels = '{http_method="GET",http_route="/livez",http_status_code="200"}'
    before = read()
    http.get("/livez")
    http.get("/no-such-route-xyz")
    http.generic("BREW", "/no-such-route-xyz")
    after = read()

    counter = f"authserver_http_requests_total{labels}"
    assert value_of(after, counter) == value_of(before, counter) + 1
    assert "xyz" not in after
    assert "BREW" not in after
    buckets = re.findall(
        r'request_duration_seconds_bucket{[^}]*"GET"[^}]*/livez"[^}]*"200",le="([^"]+)"}', after
    )
    assert buckets == [
        "0.001", "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1.0", "2.5", "5.0",
        "10.0", "+Inf",
    ]  # fmt: skip


def test_gauges_are_read_when_metrics_are(http, monkeypatch):
    monkeypatch.setattr(metrics, "_gauges", {})
    metrics.provide_gauge("authserver_active_clients", lambda: 7)

    assert (
        value_of(
            http.get("/metrics", headers=right()).content.decode(), "authserver_active_clients"
        )
        == 7
    )
    with pytest.raises(KeyError):
        metrics.provide_gauge("invented", lambda: 0)
    with pytest.raises(KeyError):
        metrics.counter("invented")
    with pytest.raises(KeyError):
        metrics.histogram("invented")


def test_a_gauge_that_cannot_be_read_does_not_take_the_others_away(http, monkeypatch):
    def fail():
        raise OperationalError

    monkeypatch.setattr(metrics, "_gauges", {})
    metrics.provide_gauge("authserver_active_clients", fail)
    answer = http.get("/metrics", headers=right())

    assert answer.status_code == 200
    assert b"authserver_http_requests_total" in answer.content
    assert b"authserver_active_clients" not in answer.content


def test_metrics_are_read_only(http):
    assert http.post("/metrics", headers=right()).status_code == 405


PATHS = {
    "public": {"/health", "/ready", "/livez"},
    "operator": {"/livez", "/metrics", "/console/"},
}


@pytest.mark.spec("Negative tests", "D8.15", "MUST", "the public listener has no operator routes")
@pytest.mark.parametrize("listener", PATHS)
def test_a_path_of_the_other_listener_is_not_found(http, settings, monkeypatch, listener):
    monkeypatch.setattr(health, "ping", lambda: True)
    settings.ROOT_URLCONF = f"authplane.urls.{listener}"

    for url in PATHS[listener]:
        assert http.get(url).status_code in {200, 302, 401}
    for url in set.union(*PATHS.values()) - PATHS[listener]:
        assert http.get(url).status_code == 404


COUNT_IN_A_PROCESS = """
import django; django.setup()
from authplane.core import metrics
metrics.counter("authserver_tokens_issued_total").labels(grant_type="x").inc()
metrics.histogram("authserver_token_issuance_duration_seconds").observe(0.02)
"""

READ_IN_A_PROCESS = """
import django; django.setup()
from authplane.core import metrics
print(metrics.exposition().decode())
"""


def test_processes_that_share_a_directory_are_counted_together(tmp_path):
    environment = os.environ | {
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "authplane.settings.test",
        "PYTHONPATH": str(ROOT),
    }

    def run(code):
        command = [sys.executable, "-W", "ignore", "-c", code]
        return subprocess.run(
            command, env=environment, check=True, capture_output=True, text=True, cwd=ROOT
        ).stdout

    run(COUNT_IN_A_PROCESS)
    run(COUNT_IN_A_PROCESS)
    text = run(READ_IN_A_PROCESS)

    assert value_of(text, 'authserver_tokens_issued_total{grant_type="x"}') == 2
    assert value_of(text, "authserver_token_issuance_duration_seconds_count") == 2
