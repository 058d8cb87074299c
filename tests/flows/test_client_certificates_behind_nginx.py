"""TLS client certificates for real: a client, nginx as it is shipped, and the running server."""

from __future__ import annotations

import ssl

import httpx
import pytest

from oauth.models import AccessToken
from tests.support.certificates import issue, names
from tests.support.factories import make_client, make_resource
from tests.support.nginx import find_nginx, running_nginx
from tests.support.oauth_client import OAuthClient
from tests.support.server import free_port

pytestmark = [
    pytest.mark.server,
    pytest.mark.skipif(find_nginx() is None, reason="needs nginx"),
]

AUTHORITY = issue("Clients", authority=True)
ROBOT = issue("robot", issuer=AUTHORITY, san=names(dns="robot.example.com"))
SELF_MADE = issue("robot", san=names(dns="robot.example.com"))
HOST = issue("localhost", authority=True, san=names(dns="localhost", ip="127.0.0.1"))


@pytest.fixture
def place(server, tmp_path, transactional_db):
    """The server, and nginx before it at `base`."""
    resource = make_resource()
    row = make_client(
        token_endpoint_auth_method="tls_client_auth",
        grant_types=["client_credentials"],
        scope="read",
        tls_client_auth={"tls_client_auth_san_dns": "robot.example.com"},
        tls_client_certificate_bound_access_tokens=True,
    )
    port = free_port()
    base = f"https://localhost:{port}"
    running = server(
        AUTHPLANE_TLS_CLIENT_AUTH_TRUSTED_PROXIES="127.0.0.1",
        AUTHPLANE_TLS_CLIENT_AUTH_ENDPOINT_BASE=base,
    )
    certificate, key = HOST.write(tmp_path, "host")
    authorities, _ = AUTHORITY.write(tmp_path, "authorities")
    changes = {
        r"listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        r"server_name \S+;": "server_name localhost;",
        r"/etc/ssl/mtls\S+/fullchain.pem": str(certificate),
        r"/etc/ssl/mtls\S+/privkey.pem": str(key),
        r"/etc/ssl/clients/authorities.pem": str(authorities),
        r"http://127.0.0.1:9000": running.url,
    }
    with running_nginx("nginx/client-certificates.conf", folder=tmp_path, changes=changes):
        yield running.url, base, resource, row


def caller(base, folder, certificate=None):
    context = ssl.create_default_context(cadata=HOST.pem.decode())
    if certificate is not None:
        context.load_cert_chain(*certificate.write(folder, "client"))
    return httpx.Client(base_url=base, verify=context, trust_env=False, timeout=20)


def ask(http, row, resource, **headers):
    form = {
        "grant_type": "client_credentials", "client_id": row.client_id, "scope": "read",
        "resource": resource.uri,
    }  # fmt: skip
    return http.post("/oauth/token", data=form, headers={"Accept": "application/json"} | headers)


def test_a_certificate_is_the_credential_and_binds_the_token(place, tmp_path):
    url, base, resource, row = place
    with caller(base, tmp_path, ROBOT) as http:
        answer = ask(http, row, resource)

    assert answer.status_code == 200, answer.text
    driver = OAuthClient.at(url)
    claims = driver.claims(answer.json()["access_token"])
    assert claims["cnf"] == {"x5t#S256": ROBOT.x5t}
    aliases = driver.metadata()["mtls_endpoint_aliases"]
    assert aliases["token_endpoint"] == f"{base}/oauth/token"


def test_who_made_his_own_certificate_is_nobody(place, tmp_path):
    _, base, resource, row = place
    for certificate in (SELF_MADE, None):
        with caller(base, tmp_path, certificate) as http:
            answer = ask(http, row, resource)
            assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_headers_written_by_the_caller_never_arrive(place, tmp_path):
    _, base, resource, row = place
    forged = {"X-SSL-Client-Cert": ROBOT.escaped, "X-SSL-Client-Verify": "SUCCESS"}
    with_underscores = {"X_SSL_Client_Cert": ROBOT.escaped, "X_SSL_Client_Verify": "SUCCESS"}
    for headers in (forged, with_underscores):
        for certificate in (None, SELF_MADE):
            with caller(base, tmp_path, certificate) as http:
                answer = ask(http, row, resource, **headers)
                assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert AccessToken.objects.count() == 0
