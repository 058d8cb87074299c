"""Fetching what strangers name by URL: public addresses only, and only as much as we want."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from authplane.core import addresses, pinned
from authplane.core.fetch import FetchFailed, FetchRefused, fetch_json
from tests.support.background import answering

PUBLIC = "93.184.216.34"
UNSPECIFIED = "0.0.0.0"  # noqa: S104 - never bound


class Handler(BaseHTTPRequestHandler):
    """Answers by path; remembers what it was asked."""

    def do_GET(self):
        self.server.asked.append((self.path, dict(self.headers)))
        getattr(self, f"answer_{self.path.strip('/').split('?')[0]}", self.answer_json)()

    def answer_json(self):
        self.send(200, b'{"client_name": "x"}', {"Content-Type": "application/json", "ETag": "1"})

    def answer_redirect(self):
        self.send(302, b"", {"Location": "http://127.0.0.1/internal"})

    def answer_large(self):
        self.send(200, b"[" + b"1," * 5000 + b"1]")

    def answer_announced(self):
        self.send_response(200)
        self.send_header("Content-Length", "99999999")
        self.end_headers()

    def answer_compressed(self):
        self.send(200, b"x" * 10, {"Content-Encoding": "gzip"})

    def answer_text(self):
        self.send(200, b"not json")

    def answer_missing(self):
        self.send(404, b'{"error": "gone"}')

    def answer_endless(self):
        self.send_response(200)
        self.end_headers()
        with contextlib.suppress(OSError):
            for _ in range(200):
                self.wfile.write(b" ")
                time.sleep(0.05)

    def answer_halfway(self):
        time.sleep(0.4)
        self.send_response(200)
        self.end_headers()
        time.sleep(3)

    def answer_slow(self):
        time.sleep(3)

    def send(self, status, body, headers=None):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@contextlib.contextmanager
def http_server(context=None):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *args: None
    server.asked = []
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    with answering(server):
        yield server


@pytest.fixture
def server():
    with http_server() as running:
        yield running


@pytest.fixture
def resolve(monkeypatch):
    """`resolve(["1.2.3.4"], ...)`: what successive look-ups of any name answer."""
    asked = []

    def install(*answers):
        def look_up(host, port):
            asked.append(host)
            return answers[min(len(asked), len(answers)) - 1]

        monkeypatch.setattr(pinned, "look_up", look_up)
        return asked

    return install


def get(url, **options):
    options = {"max_bytes": 4096, "timeout": 2.0, "allow_http": True} | options
    return fetch_json(url, **options)


def get_local(server, path="/json", **options):
    port = server.server_address[1]
    return get(f"http://client.example:{port}{path}", allow_private=True, **options)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.255.255.254", UNSPECIFIED, "10.1.2.3", "172.16.0.1", "192.168.1.1",
        "169.254.169.254", "100.64.0.1", "198.18.0.1", "192.0.0.8", "192.0.2.1", "198.51.100.7",
        "203.0.113.9", "192.88.99.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
        "::", "::1", "::ffff:127.0.0.1", "::ffff:93.184.216.34", "::93.184.216.34",
        "64:ff9b::7f00:1", "64:ff9b::5db8:d822", "64:ff9b:1::1", "2002:7f00:1::",
        "2002:5db8:d822::1",
        "2001:0:4136:e378::1", "2001:db8::1", "3fff::1", "fe80::1", "fe80::1%eth0", "fec0::1",
        "fc00::1", "fd00:ec2::254", "ff02::1", "100::1", "5f00::1", "not-an-address", "",
    ],
)  # fmt: skip
def test_addresses_that_are_not_public(address, resolve):
    resolve([address])

    assert not addresses.is_public(address)
    with pytest.raises(FetchRefused):
        get("http://client.example/doc")


@pytest.mark.parametrize("address", [PUBLIC, "1.1.1.1", "2606:4700:4700::1111", "2a00:1450::1"])
def test_addresses_that_are_public(address):
    assert addresses.is_public(address)


def test_one_private_address_among_public_ones_refuses_the_host(resolve):
    resolve([PUBLIC, "10.0.0.1"])

    with pytest.raises(FetchRefused, match="not public"):
        get("http://client.example/doc")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "http://localhost/", "http://2130706433/", "http://0x7f.0.0.1/",
        "http://127.1/", "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://0/",
        "http://169.254.169.254/latest/meta-data/",
    ],
)  # fmt: skip
def test_spellings_of_this_machine_and_its_metadata_are_refused(url):
    with pytest.raises((FetchRefused, FetchFailed)):
        get(url)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://client.example/", "file:///etc/passwd", "client.example", "https://", "",
        "https://user:pw@client.example/", "https://client.example/#x",
        "https://client.example/a b",
        "https://client.example\\@evil.example/", "https://client.exämple/", "https://[::1",
        "https://client.example:99999/", "https://client.example/\r\nHost: x", "gopher://x/",
    ],
)  # fmt: skip
def test_urls_that_are_refused_before_any_look_up(url, resolve):
    asked = resolve([PUBLIC])

    with pytest.raises(FetchRefused):
        get(url)
    assert asked == []


def test_plain_http_is_refused_unless_allowed(resolve):
    resolve([PUBLIC])

    with pytest.raises(FetchRefused, match="https"):
        get("http://client.example/", allow_http=False)


def test_the_name_is_looked_up_once_and_the_connection_is_pinned(server, resolve):
    asked = resolve(["127.0.0.1"], ["10.255.255.1"])

    answer = get_local(server)

    assert answer.json == {"client_name": "x"}
    assert asked == ["client.example"]
    port = server.server_address[1]
    assert server.asked[0][1]["Host"] == f"client.example:{port}"


def test_a_name_that_changes_to_a_private_address_gains_nothing(server, resolve, monkeypatch):
    """DNS rebinding: the checked address is public, a second look-up would give loopback."""
    resolve([PUBLIC], ["127.0.0.1"])
    dialled = []

    def connect(self, host, port, *args):
        dialled.append(host)
        raise pinned.httpcore.ConnectError("not in this test")

    monkeypatch.setattr(pinned.httpcore.SyncBackend, "connect_tcp", connect)
    with pytest.raises(FetchFailed):
        get(f"http://client.example:{server.server_address[1]}/json")

    assert dialled == [PUBLIC]
    assert server.asked == []


def test_the_next_address_is_tried_when_one_does_not_answer(server, resolve):
    with socket.socket() as closed:
        closed.bind(("127.0.0.2", 0))
        resolve(["127.0.0.2", "127.0.0.1"])

        assert get_local(server).status == 200


def test_a_redirect_is_not_followed(server, resolve):
    resolve(["127.0.0.1"])

    answer = get_local(server, "/redirect")

    assert (answer.status, len(server.asked)) == (302, 1)
    assert answer.headers["location"] == "http://127.0.0.1/internal"


@pytest.mark.parametrize("path", ["/large", "/announced"])
def test_a_large_answer_is_cut_off(server, resolve, path):
    resolve(["127.0.0.1"])

    with pytest.raises(FetchFailed, match="large"):
        get_local(server, path)


def test_a_compressed_answer_is_refused(server, resolve):
    resolve(["127.0.0.1"])

    with pytest.raises(FetchFailed, match="compressed"):
        get_local(server, "/compressed")
    assert server.asked[0][1]["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("path", ["/slow", "/endless", "/halfway"])
def test_the_time_limit_covers_the_whole_answer(server, resolve, path):
    resolve(["127.0.0.1"])
    started = time.monotonic()

    with pytest.raises(FetchFailed, match="long"):
        get_local(server, path, timeout=0.5, max_bytes=100_000)
    assert time.monotonic() - started < 0.8


def test_a_look_up_that_hangs_ends_at_the_time_limit(monkeypatch):
    released = threading.Event()
    monkeypatch.setattr(pinned, "look_up", lambda host, port: released.wait(5) and [])
    started = time.monotonic()

    with pytest.raises(FetchFailed, match="look-up"):
        get("http://client.example/", timeout=0.2)
    released.set()
    assert time.monotonic() - started < 2


def test_a_host_that_does_not_exist_is_a_failure(monkeypatch):
    def look_up(host, port):
        raise socket.gaierror

    monkeypatch.setattr(pinned, "look_up", look_up)
    with pytest.raises(FetchFailed, match="resolved"):
        get("http://client.example/")


def test_any_status_and_any_text_is_handed_back(server, resolve):
    resolve(["127.0.0.1"])

    assert get_local(server, "/missing").status == 404
    assert get_local(server, "/text").json is None
    assert get_local(server).headers["etag"] == "1"


def test_proxies_of_the_environment_are_not_used(server, resolve, monkeypatch):
    resolve(["127.0.0.1"])
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")

    assert get_local(server).status == 200


def test_only_the_named_private_host_is_allowed(server, resolve):
    resolve(["127.0.0.1"])
    port = server.server_address[1]
    allowed = {"allowed_private_hosts": ("client.example",)}

    assert get(f"http://client.example:{port}/json", **allowed).status == 200
    assert get(f"http://CLIENT.example:{port}/json", **allowed).status == 200
    with pytest.raises(FetchRefused):
        get(f"http://other.example:{port}/json", **allowed)


@pytest.mark.parametrize(
    "address",
    ["169.254.169.254", "fe80::1", "::ffff:10.0.0.1", "2002:a00:1::", UNSPECIFIED, "ff02::1", "x"],
)
def test_an_allowed_private_host_still_cannot_be_the_metadata_service(address, resolve):
    resolve([address])

    with pytest.raises(FetchRefused):
        get("http://client.example/", allow_private=True)


@pytest.fixture
def certificate(tmp_path):
    """A self-signed certificate for client.example and the file of its authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "client.example")])
    names = x509.SubjectAlternativeName([x509.DNSName("client.example")])
    now = datetime.now(tz=UTC)
    cert = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "pair.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + cert.public_bytes(serialization.Encoding.PEM)
    )
    authority = tmp_path / "ca.pem"
    authority.write_bytes(cert.public_bytes(serialization.Encoding.PEM))
    return file, authority


def tls_server(file):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return http_server(context)


def test_tls_verifies_the_name_and_not_the_pinned_address(certificate, resolve, monkeypatch):
    file, authority = certificate
    resolve(["127.0.0.1"])
    with tls_server(file) as server:
        port = server.server_address[1]
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))

        assert get(f"https://client.example:{port}/json", allow_private=True).status == 200
        with pytest.raises(FetchFailed):
            get(f"https://other.example:{port}/json", allow_private=True)


def test_an_unknown_authority_is_not_trusted(certificate, resolve):
    file, _ = certificate
    resolve(["127.0.0.1"])
    with tls_server(file) as server, pytest.raises(FetchFailed):
        get(f"https://client.example:{server.server_address[1]}/json", allow_private=True)
