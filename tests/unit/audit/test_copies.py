"""The record elsewhere: checkpoints at anchors, rows in streams, whatever fails meanwhile."""

from __future__ import annotations

import json
import re
import socket
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from audit.anchors.run import anchor_newest
from audit.anchors.sigv4 import Signer, encoded_path
from audit.jobs import anchored_here
from audit.models import AuditCursor, AuditEvent, AuditSeal
from audit.sealing.stored import verify_stored
from audit.streams import cef, otlp
from audit.streams.run import pass_on
from authplane.core import syslog
from authplane.core.hashing import sha256_hex
from tests.support.background import answering
from tests.support.figures import Changes
from tests.support.sealed import make_chain, make_event

EXAMPLE = Signer("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1")
THEN = datetime(2013, 5, 24, tzinfo=UTC)
HOST = "https://examplebucket.s3.amazonaws.com"
LOCAL = {"allowed_private_hosts": ("127.0.0.1",)}


@contextmanager
def service(status=200):
    """A service on this host that answers every request so; the requests it got."""
    got = []

    class Handler(BaseHTTPRequestHandler):
        def take(self):
            length = int(self.headers.get("Content-Length", 0))
            got.append((self.command, self.path, dict(self.headers), self.rfile.read(length)))
            self.send_response(answer["status"])
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        do_PUT = do_POST = take  # noqa: N815 - names of the library

        def log_message(self, *args):
            pass

    answer = {"status": status}
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with answering(server):
        yield f"http://127.0.0.1:{server.server_port}", got, answer


@contextmanager
def datagrams():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(5)
        yield f"udp://127.0.0.1:{receiver.getsockname()[1]}", receiver


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "signature"),
    [
        (
            "GET", "/test.txt", {"Range": "bytes=0-9"}, b"",
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (
            "PUT", encoded_path("/test$file.text"),
            {"Date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"},
            b"Welcome to Amazon S3.",
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
        (
            "GET", "/?lifecycle=", {}, b"",
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
        ),
        (
            "GET", "/?max-keys=2&prefix=J", {}, b"",
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ],
)  # fmt: skip
def test_signatures_are_those_that_amazon_publishes(method, path, headers, body, signature):
    """Spec: S3 API reference, "Signature Calculations for the Authorization Header", examples."""
    signed = EXAMPLE.headers(method, HOST + path, headers=headers, body=body, at=THEN)

    assert signed["Authorization"].endswith(f"Signature={signature}")


@pytest.mark.django_db
@pytest.mark.shows("setting", "audit.anchor_file")
def test_the_anchor_file_has_every_newest_checkpoint(tmp_path, override_config):
    file = tmp_path / "anchor"
    override_config(audit={"anchor_file": str(file)})
    assert {"anchored": [], "failed": []} == anchor_newest()
    make_chain(2)
    assert ["anchor:file"] == anchor_newest()["anchored"]
    assert [] == anchor_newest()["anchored"]
    make_chain(1)
    anchor_newest()

    checkpoints = [*AuditSeal.objects.order_by("number").values_list("checkpoint", flat=True)]
    assert checkpoints == file.read_text().split() == anchored_here()
    assert 0 == file.stat().st_mode & 0o007
    assert verify_stored(anchored=anchored_here()).holds


@pytest.mark.django_db
@pytest.mark.shows("metric", "authplane_audit_anchor_failures_total")
def test_an_anchor_that_fails_is_counted_and_tried_again(tmp_path, override_config):
    override_config(audit={"anchor_file": str(tmp_path / "absent" / "anchor")})
    make_chain(1)

    with Changes("authplane_audit_anchor_failures_total", 'anchor="file"') as failures:
        assert ["anchor:file"] == anchor_newest()["failed"]
        assert ["anchor:file"] == anchor_newest()["failed"]

    row = AuditCursor.objects.get()
    assert (2, 0, 2) == (failures.by, row.seal, row.failures)
    assert "cannot be written" in row.error
    make_chain(1)
    (tmp_path / "absent").mkdir()
    assert ["anchor:file"] == anchor_newest()["anchored"]
    assert 0 == AuditCursor.objects.get().failures


@pytest.mark.django_db
@pytest.mark.shows("setting", "audit.anchor_syslog")
def test_a_syslog_server_is_told_each_checkpoint(override_config):
    """Spec: RFC 5424 section 6."""
    make_chain(1)
    with datagrams() as (address, receiver):
        override_config(audit={"anchor_syslog": address})
        anchor_newest()
        text = receiver.recv(9000).decode()

    assert re.fullmatch(
        r"<109>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z \S+ authplane - audit-checkpoint - \S+",
        text,
    )
    assert AuditSeal.objects.get().checkpoint == text.rpartition(" ")[2]


@pytest.mark.django_db
@pytest.mark.shows(
    "setting",
    "audit.anchor_s3_endpoint",
    "audit.anchor_s3_bucket",
    "audit.anchor_s3_region",
    "audit.anchor_s3_access_key",
    "audit.anchor_s3_secret_key",
    "audit.anchor_s3_lock_days",
    "audit.allowed_private_hosts",
)
def test_an_object_that_is_locked(override_config):
    make_chain(1)
    with service() as (url, got, answer):
        override_config(
            audit={
                "anchor_s3_endpoint": url, "anchor_s3_bucket": "evidence",
                "anchor_s3_region": "eu-central-1", "anchor_s3_access_key": "AK",
                "anchor_s3_secret_key": "SK", "anchor_s3_lock_days": 30, **LOCAL,
            }
        )  # fmt: skip
        assert ["anchor:s3"] == anchor_newest()["anchored"]
        make_chain(1)
        answer["status"] = 403
        assert ["anchor:s3"] == anchor_newest()["failed"]

    method, path, headers, body = got[0]
    assert ("PUT", "/evidence/authplane-audit/000000000001.jws") == (method, path)
    assert AuditSeal.objects.get(number=1).checkpoint == body.decode()
    assert "COMPLIANCE" == headers["x-amz-object-lock-mode"]
    assert sha256_hex(body) == headers["x-amz-content-sha256"]
    assert "Credential=AK/" in headers["Authorization"]
    assert "/eu-central-1/s3/aws4_request" in headers["Authorization"]
    at = datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    given = {
        name: value for name, value in headers.items()
        if name in {"Content-Type", "x-amz-checksum-sha256", "x-amz-object-lock-mode",
                    "x-amz-object-lock-retain-until-date"}
    }  # fmt: skip
    again = Signer("AK", "SK", "eu-central-1").headers(
        "PUT", url + path, headers=given, body=body, at=at
    )
    assert again["Authorization"] == headers["Authorization"]


@pytest.mark.django_db
def test_a_private_service_that_is_not_listed_is_not_called(override_config):
    make_chain(1)
    with service() as (url, got, _):
        override_config(audit={"anchor_s3_endpoint": url, "anchor_s3_bucket": "b"})
        assert ["anchor:s3"] == anchor_newest()["failed"]

    assert [] == got


def received(got):
    return [
        record
        for _, _, _, body in got
        for record in json.loads(body)["resourceLogs"][0]["scopeLogs"][0]["logRecords"]
    ]


def named(record):
    return {one["key"]: one["value"]["stringValue"] for one in record["attributes"]}


@pytest.mark.django_db
@pytest.mark.shows("setting", "audit.otlp_endpoint", "audit.otlp_authorization")
def test_rows_as_otlp_logs(override_config):
    ((row,),) = make_chain(1)
    with service() as (url, got, _):
        override_config(
            audit={"otlp_endpoint": f"{url}/v1/logs", "otlp_authorization": "Bearer x", **LOCAL}
        )
        assert {"otlp": 1} == pass_on()
        assert {"otlp": 0} == pass_on()

    ((method, path, headers, _),) = got
    assert ("POST", "/v1/logs", "Bearer x") == (method, path, headers["Authorization"])
    (record,) = received(got)
    assert ("user.login", row.trace_id) == (record["body"]["stringValue"], record["traceId"])
    assert int(record["timeUnixNano"]) // 1000 == round(row.created_at.timestamp() * 10**6)
    told = named(record)
    assert (str(row.pk), "203.0.113.7") == (told["authplane.event.id"], told["client.address"])
    assert "salt" not in json.dumps(record)


@pytest.mark.django_db
@pytest.mark.shows("metric", "authplane_audit_stream_failures_total")
def test_every_row_arrives_in_spite_of_failures(override_config, monkeypatch):
    """At least once: what was sent before a failure may come again, nothing is left out."""
    from audit.streams import run

    monkeypatch.setattr(run, "CHUNK", 2)
    rows = [row for batch in make_chain(3, 2) for row in batch]
    with service(status=503) as (url, got, answer):
        override_config(audit={"otlp_endpoint": url, **LOCAL})
        with Changes("authplane_audit_stream_failures_total", 'stream="otlp"') as failures:
            pass_on()
        got.clear()
        answer["status"] = 200
        assert {"otlp": 5} == pass_on()

    assert 1 == failures.by
    ids = [named(record)["authplane.event.id"] for record in received(got)]
    assert [str(row.pk) for row in rows] == ids
    assert (2, 0) == (AuditCursor.objects.get().seal, AuditCursor.objects.get().rows)


@pytest.mark.django_db
def test_a_stream_goes_on_where_it_stopped(override_config, monkeypatch):
    from audit.streams import run

    monkeypatch.setattr(run, "CHUNK", 2)
    rows = make_chain(5)[0]
    sent = []

    def take(chunk):
        if len(sent) == 2 and not take.again:
            raise otlp.StreamFailed("down")
        sent.extend(chunk)

    take.again = False
    monkeypatch.setitem(run.SENDERS, "stream:cef", take)
    override_config(audit={"cef_address": "udp://127.0.0.1:1"})
    pass_on()
    assert (0, 2, 1) == tuple(AuditCursor.objects.values_list("seal", "rows", "failures")[0])
    take.again = True
    pass_on()

    assert [row.pk for row in rows] == [row.pk for row in sent]


@pytest.mark.django_db
@pytest.mark.shows("setting", "audit.cef_address")
def test_rows_in_the_common_event_format(override_config):
    make_event(action="token.issue_denied", detail={"reason": "a|b=c\\d\ne"})
    from audit.sealing.seal import seal_waiting

    seal_waiting(safety=-60)
    with datagrams() as (address, receiver):
        override_config(audit={"cef_address": address})
        assert {"cef": 1} == pass_on()
        text = receiver.recv(9000).decode()

    head, _, members = text.partition("CEF:0|")[2].partition("|7|")
    assert head.endswith("token.issue_denied|token.issue_denied")
    assert text.startswith("<108>1 ")
    assert "suid=user-1 src=203.0.113.7 cs1Label=clientId cs1=client-1" in members
    assert r'cs2={"reason":"a|b\=c\\\\d\\ne"}' in members
    assert "\n" not in text


def test_a_vertical_bar_does_not_begin_another_field():
    assert r"a\|b\\c d" == cef._in_header("a|b\\c\nd")


def test_messages_over_tcp_are_counted_in_octets():
    """Spec: RFC 6587 section 3.4.1."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        destination = syslog.Destination.of(f"tcp://127.0.0.1:{port}")
        syslog.send(destination, ["ü".encode(), b"two"])
        with listener.accept()[0] as connection:
            connection.settimeout(5)
            got = connection.makefile("rb").read()

    assert b"2 \xc3\xbc3 two" == got


def test_a_datagram_has_a_limit():
    with datagrams() as (address, _), pytest.raises(syslog.SyslogFailed, match="too long"):
        syslog.send(syslog.Destination.of(address), [b"x" * 9000])


def test_a_server_that_is_not_there():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(syslog.SyslogFailed):
        syslog.send(syslog.Destination.of(f"tcp://127.0.0.1:{port}"), [b"x"])


@pytest.mark.parametrize("address", ["", "host:514", "http://host", "udp://", "tcp://h/path"])
def test_an_address_that_is_none(address):
    with pytest.raises(ValueError, match="udp://"):
        syslog.Destination.of(address)


@pytest.mark.django_db
def test_nothing_is_passed_on_where_nothing_is_configured():
    make_chain(1)

    assert {} == pass_on()
    assert not AuditCursor.objects.exists()
    assert 1 == AuditEvent.objects.count()
