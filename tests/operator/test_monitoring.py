"""Rules, alarms and dashboards as shipped: right, and about metrics that this server has."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from itertools import chain

import pytest
import yaml

from tests.support.figures import exposition
from tests.support.server import ROOT

PROMETHEUS = ROOT / "deploy" / "prometheus"
RULES = PROMETHEUS / "rules" / "oauth.yml"
AUDIT_RULES = RULES.with_name("audit.yml")
DASHBOARDS = sorted((ROOT / "deploy" / "grafana").glob("*.json"))
NAME = re.compile(r"\b(?:mcp_|rate_limit_|oauth_|authserver_|authplane_)\w+")
RECORDED = re.compile(r"\boauth:[\w:]+")
LABEL = re.compile(r'(\w+)(?:=~?|!=|!~)"')
PART = re.compile(r"_(bucket|sum|count)$")


def rules():
    return list(chain.from_iterable(
        group["rules"] for group in yaml.safe_load(RULES.read_text())["groups"]
    ))  # fmt: skip


def recorded():
    return {rule["record"] for rule in rules() if "record" in rule}


def expressions():
    """Where it stands, and what is asked."""
    for rule in rules():
        yield rule.get("alert") or rule["record"], rule["expr"]
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel["targets"]:
                yield f"{path.stem}: {panel['title']}", target["expr"]


@pytest.mark.parametrize("arguments", [
    ("check", "rules", RULES),
    ("test", "rules", RULES.with_name("oauth_test.yml")),
    ("check", "rules", AUDIT_RULES),
    ("test", "rules", AUDIT_RULES.with_name("audit_test.yml")),
    ("check", "config", "--syntax-only", PROMETHEUS / "prometheus.yml"),
])  # fmt: skip
def test_prometheus_takes_what_is_shipped(arguments):
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("needs promtool: install Debian's prometheus")

    done = subprocess.run(
        [promtool, *arguments], capture_output=True, text=True, check=False, timeout=60
    )

    assert 0 == done.returncode, done.stdout + done.stderr


def test_every_documented_alarm_and_rate_is_there():
    alarms = {rule["alert"]: rule for rule in rules() if "alert" in rule}

    assert {name: rule["labels"]["severity"] for name, rule in alarms.items()} == {
        "OAuthTokenReuseDetected": "critical",
        "OAuthCodeInjectionAttempt": "critical",
        "OAuthFlowSuccessRateLow": "high",
        "OAuthTokenRefreshSlow": "high",
        "OAuthIntegrityViolations": "warning",
        "OAuthActiveTokensHigh": "warning",
        "PkceStatesHigh": "warning",
        "ProxyRefreshFailing": "high",
        "MetricsAbsent": "high",
    }
    assert all({"summary", "description"} == set(rule["annotations"]) for rule in alarms.values())
    assert recorded() == {
        "oauth:flow_success_rate:5m",
        "oauth:refresh_success_rate:5m",
        "oauth:flow_duration_seconds:p95",
        "oauth:refresh_duration_seconds:p95",
        "oauth:security_events_critical:rate5m",
        "oauth:integrity_violations:total",
    }


def audit_alarms():
    return [rule for group in yaml.safe_load(AUDIT_RULES.read_text())["groups"]
            for rule in group["rules"]]  # fmt: skip


def test_every_alarm_of_the_record_is_tried_out_and_asks_for_what_there_is():
    from authplane.core import metrics

    text = AUDIT_RULES.with_name("audit_test.yml").read_text()
    for rule in audit_alarms():
        assert rule["alert"] in text
        (name,) = set(NAME.findall(rule["expr"]))
        assert name in metrics.COUNTERS or name in metrics.GAUGES
        labels = metrics.COUNTERS.get(name, ("", ()))[1]
        assert set(re.findall(r"by \((\w+)\)", rule["expr"])) <= set(labels)


def test_every_alarm_is_tried_out():
    text = RULES.with_name("oauth_test.yml").read_text()

    for rule in rules():
        assert (rule.get("alert") or rule["record"]) in text


@pytest.mark.django_db
def test_every_metric_that_is_asked_for_is_exported():
    """With the labels that are asked for: a misspelt one is an alarm that never rings."""
    from authplane.core import metrics, metrics_broker

    exported = {line.split()[2] for line in exposition().splitlines() if line.startswith("# TYPE")}
    labels = {name: set(of) for name, (_, of) in (metrics.COUNTERS | metrics.HISTOGRAMS).items()}
    labels |= {name: set(of) for name, (_, of) in metrics_broker.GAUGES.items()}
    asked = set()
    for where, expression in expressions():
        names = {PART.sub("", name) for name in NAME.findall(expression)}
        assert set(RECORDED.findall(expression)) <= recorded(), where
        assert names or RECORDED.search(expression), where
        for name in names:
            assert name in exported or name.removesuffix("_total") in exported, (where, name)
        known = set().union(*(labels[name] for name in names)) if names else set()
        assert set(LABEL.findall(expression)) <= known, where
        by = set(re.findall(r"\w+", " ".join(re.findall(r"by \(([^)]*)\)", expression))))
        assert by <= known | {"le"}, where
        asked |= names
    assert {name for name in labels if name.startswith("oauth_")} - asked <= NOT_SHOWN


NOT_SHOWN = {
    "oauth_pkce_states_created_total",  # as many as hops begun
    "oauth_proxy_registrations_total",
    "oauth_proxy_tokens_issued_total",
}


def test_dashboards_are_whole():
    assert ["oauth-overview", "oauth-performance", "oauth-security"] == [
        path.stem for path in DASHBOARDS
    ]
    for path in DASHBOARDS:
        board = json.loads(path.read_text())
        ids = [panel["id"] for panel in board["panels"]]
        assert len(ids) == len(set(ids))
        taken = set()
        for panel in board["panels"]:
            place = panel["gridPos"]
            cells = {
                (place["x"] + x, place["y"] + y)
                for x in range(place["w"]) for y in range(place["h"])
            }  # fmt: skip
            assert not cells & taken
            assert place["x"] + place["w"] <= 24
            taken |= cells


def test_the_example_scrapes_with_a_password():
    (job,) = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())["scrape_configs"]

    assert {"username", "password_file"} == set(job["basic_auth"])
    assert "/metrics" == job["metrics_path"]


def test_the_worker_of_the_composition_counts_into_the_same_files():
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]

    folders = {
        name: services[name]["environment"]["PROMETHEUS_MULTIPROC_DIR"]
        for name in ("web", "operator", "worker")
    }
    assert 1 == len(set(folders.values()))
    # Files are named after process ids: two processes of one number would write one file.
    assert "service:web" == services["worker"]["pid"] == services["operator"]["pid"]
