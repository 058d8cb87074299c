"""`tls_client_auth`: a certificate, told by a proxy we trust, is the client's credential."""

from __future__ import annotations

import httpx
import pytest

from oauth.models import AccessToken
from tests.support.certificates import issue, name, names
from tests.support.digests import nothing_changes
from tests.support.factories import driver_for, make_client
from tests.support.pushed import push
from tests.support.refusals import INVALID_CLIENT, Refusal, assert_refused

pytestmark = pytest.mark.django_db

AUTHORITY = issue("Authority", authority=True)
GOOD = issue(
    name("robot", country="DE", organization="Example, Inc."),
    issuer=AUTHORITY,
    san=names(
        dns="Robot.example.com", uri="spiffe://example.com/robot", ip="2001:db8::1",
        email="robot@example.com",
    ),
)  # fmt: skip
OTHER = issue("other", issuer=AUTHORITY, san=names(dns="other.example.com"))
UNREADABLE = Refusal(400, "invalid_request", "the client certificate cannot be read")
CERT, VERIFY = "X-SSL-Client-Cert", "X-SSL-Client-Verify"


def shown(certificate=GOOD, *, verified="SUCCESS"):
    return {CERT: certificate.escaped, VERIFY: verified}


@pytest.fixture
def _proxy(override_config):
    override_config(certificates={"trusted_proxies": ("127.0.0.1",)})


def robot(scene, **subject):
    row = make_client(
        token_endpoint_auth_method="tls_client_auth",
        tls_client_auth=subject or {"tls_client_auth_san_dns": "robot.example.com"},
        grant_types=["authorization_code", "refresh_token", "client_credentials"],
        scope="read write",
    )
    return driver_for(row, base=scene.client, resource=scene.resource.uri)


def ask(client, headers):
    return client.token(
        grant_type="client_credentials", scope="read", resource=client.resource, headers=headers
    )


@pytest.mark.spec("RFC 8705", "2.1.2", "MUST", "the certificate carries the registered subject")
@pytest.mark.parametrize(
    "subject",
    [
        {"tls_client_auth_subject_dn": "CN=robot,O=Example\\, Inc.,C=DE"},
        {"tls_client_auth_san_dns": "robot.EXAMPLE.com"},
        {"tls_client_auth_san_uri": "spiffe://example.com/robot"},
        {"tls_client_auth_san_ip": "2001:0db8:0:0::0001"},
        {"tls_client_auth_san_email": "robot@example.com"},
    ],
    ids=lambda subject: next(iter(subject)),
)
@pytest.mark.usefixtures("_proxy")
def test_the_registered_subject_authenticates(scene, subject):
    client = robot(scene, **subject)

    assert ask(client, shown()).status_code == 200
    with nothing_changes():
        assert_refused(ask(client, shown(OTHER)), INVALID_CLIENT)


@pytest.mark.parametrize(
    "subject",
    [
        {"tls_client_auth_subject_dn": "CN=robot"},
        {"tls_client_auth_subject_dn": "C=DE,O=Example\\, Inc.,CN=robot"},
        {"tls_client_auth_san_dns": "example.com"},
        {"tls_client_auth_san_dns": "*.example.com"},
        {"tls_client_auth_san_uri": "spiffe://example.com/"},
        {"tls_client_auth_san_ip": "2001:db8::2"},
        {"tls_client_auth_san_email": "Robot@example.com"},
        {},
        {
            "tls_client_auth_san_dns": "robot.example.com",
            "tls_client_auth_san_email": "robot@example.com",
        },
    ],
)
@pytest.mark.usefixtures("_proxy")
def test_another_subject_does_not(scene, subject):
    client = robot(scene, **(subject or {"none": ""}))

    with nothing_changes():
        assert_refused(ask(client, shown()), INVALID_CLIENT)


@pytest.mark.usefixtures("_proxy")
def test_a_certificate_without_alternative_names(scene):
    client = robot(scene)

    with nothing_changes():
        assert_refused(ask(client, shown(issue("robot.example.com"))), INVALID_CLIENT)


@pytest.mark.spec("RFC 8705", "2.1", "MUST", "a trusted authority issued the certificate")
@pytest.mark.parametrize("verified", ["", "NONE", "FAILED:self signed certificate", "success"])
@pytest.mark.shows("setting", "tls_client_auth.verify_header")
@pytest.mark.usefixtures("_proxy")
def test_the_proxy_has_to_have_verified_the_chain(scene, verified):
    client = robot(scene)

    with nothing_changes():
        assert_refused(ask(client, shown(verified=verified)), INVALID_CLIENT)
        assert_refused(ask(client, {CERT: GOOD.escaped}), INVALID_CLIENT)


@pytest.mark.usefixtures("_proxy")
def test_without_a_certificate_it_is_nobody(scene):
    client = robot(scene)

    with nothing_changes():
        assert_refused(ask(client, {}), INVALID_CLIENT)
        assert_refused(ask(client, {VERIFY: "SUCCESS"}), INVALID_CLIENT)


@pytest.mark.shows("setting", "tls_client_auth.trusted_proxies")
@pytest.mark.parametrize("proxies", [(), ("10.0.0.1",), ("10.0.0.0/8", "2001:db8::/32")])
def test_from_elsewhere_the_header_is_not_read(scene, override_config, proxies):
    override_config(certificates={"trusted_proxies": proxies})
    client = robot(scene)

    with nothing_changes():
        assert_refused(ask(client, shown()), INVALID_CLIENT)
    forged = {CERT: "no certificate", VERIFY: "SUCCESS", "X-Forwarded-For": "10.0.0.1"}
    assert scene.machine.client_credentials().status_code == 200
    assert ask(scene.machine, forged).status_code == 200


@pytest.mark.parametrize("proxies", [("127.0.0.0/8",), ("::1", "127.0.0.1")])
def test_networks_are_trusted(scene, override_config, proxies):
    override_config(certificates={"trusted_proxies": proxies})

    assert ask(robot(scene), shown()).status_code == 200


def test_an_ipv4_proxy_on_an_ipv6_socket_is_trusted(scene, override_config):
    override_config(certificates={"trusted_proxies": ("10.1.2.3",)})
    client = robot(scene)
    client.http._transport = httpx.WSGITransport(
        app=client.http._transport.app, remote_addr="::ffff:10.1.2.3"
    )

    assert ask(client, shown()).status_code == 200


@pytest.mark.shows("setting", "tls_client_auth.format")
@pytest.mark.shows("setting", "tls_client_auth.header")
def test_the_header_of_rfc_9440(scene, override_config):
    override_config(
        certificates={
            "trusted_proxies": ("127.0.0.1",), "header": "Client-Cert", "format": "rfc9440",
        }
    )  # fmt: skip
    client = robot(scene)

    assert ask(client, {"Client-Cert": GOOD.structured, VERIFY: "SUCCESS"}).status_code == 200
    with nothing_changes():
        assert_refused(ask(client, shown()), INVALID_CLIENT)


@pytest.mark.parametrize(
    "written",
    [
        "nonsense", GOOD.structured, GOOD.escaped[:-30], f"{GOOD.escaped},{GOOD.escaped}",
        GOOD.escaped * 2, "%2D" * 6000, GOOD.escaped.replace("CERTIFICATE", "PRIVATE%20KEY"),
        "-----BEGIN CERTIFICATE-----AAAA-----END CERTIFICATE-----",
    ],
    ids=range(8),
)  # fmt: skip
@pytest.mark.usefixtures("_proxy")
def test_what_is_no_single_certificate_is_refused(scene, written):
    client = robot(scene)

    with nothing_changes():
        answer = ask(client, {CERT: written, VERIFY: "SUCCESS"})
        assert_refused(answer, UNREADABLE)


@pytest.mark.usefixtures("_proxy")
def test_a_certificate_and_a_secret_are_two_methods(scene):
    client = robot(scene)

    with nothing_changes():
        answer = scene.post(
            "/oauth/token",
            {
                "grant_type": "client_credentials", "client_id": client.client_id,
                "client_secret": "secret",
            },
            headers=shown(),
        )  # fmt: skip
        assert_refused(answer, INVALID_CLIENT)


@pytest.mark.usefixtures("_proxy")
def test_a_certificate_is_no_secret_of_another_client(scene):
    """Who is registered with a secret, or with none, gains nothing by a certificate."""
    with nothing_changes():
        answer = scene.post(
            "/oauth/token",
            {"grant_type": "client_credentials", "client_id": scene.machine.client_id},
            headers=shown(),
        )
        assert_refused(answer, INVALID_CLIENT)


@pytest.mark.usefixtures("_proxy")
def test_it_counts_at_every_endpoint(scene):
    client = robot(scene)
    token = ask(client, shown()).json()["access_token"]

    def post(path, **form):
        return client.post_as_client(path, {"token": token} | form, headers=shown())

    assert post("/oauth/introspect").json()["active"] is True
    assert push(client, headers=shown())[0].status_code == 201
    assert post("/oauth/revoke").status_code == 200
    assert AccessToken.objects.get().revoked_at is not None
    with nothing_changes():
        for path in ("/oauth/introspect", "/oauth/revoke"):
            assert_refused(client.post_as_client(path, {"token": token}), INVALID_CLIENT)


@pytest.mark.usefixtures("_proxy")
def test_registration(scene):
    client = scene.client.sibling()
    answer = client.register(
        token_endpoint_auth_method="tls_client_auth",
        tls_client_auth_san_dns="robot.example.com",
    )

    assert answer.status_code == 201, answer.text
    assert answer.json()["tls_client_auth_san_dns"] == "robot.example.com"
    assert "client_secret" not in answer.json()


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"tls_client_auth_san_dns": "a.example", "tls_client_auth_san_ip": "10.0.0.1"},
        {"tls_client_auth_san_dns": "*.example.com"},
        {"tls_client_auth_san_dns": ["a.example"]},
        {"tls_client_auth_san_dns": "a\nb"},
        {"tls_client_auth_san_ip": "10.0.0.0/8"},
        {"tls_client_auth_san_uri": "no scheme"},
        {"tls_client_auth_san_email": "nobody"},
        {"tls_client_auth_subject_dn": "robot"},
        {"tls_client_auth_subject_dn": "CN=" + "a" * 2000},
    ],
)
@pytest.mark.usefixtures("_proxy")
def test_registration_names_exactly_one_subject(scene, metadata):
    with nothing_changes():
        answer = scene.client.sibling().register(
            token_endpoint_auth_method="tls_client_auth", **metadata
        )
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")


def test_registration_is_refused_where_nobody_can_vouch(scene):
    answer = scene.client.sibling().register(
        token_endpoint_auth_method="tls_client_auth", tls_client_auth_san_dns="a.example"
    )

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")
    assert "AUTHPLANE_TLS_CLIENT_AUTH_TRUSTED_PROXIES" in answer.json()["detail"]


def test_nothing_is_published_without_a_proxy(scene):
    document = scene.client.metadata()

    assert "tls_client_auth" not in document["token_endpoint_auth_methods_supported"]
    assert "tls_client_certificate_bound_access_tokens" not in document
    assert "mtls_endpoint_aliases" not in document


@pytest.mark.spec("RFC 8705", "5", "MAY", "endpoints that ask for a certificate have aliases")
@pytest.mark.shows("setting", "tls_client_auth.endpoint_base")
def test_what_is_published(scene, override_config):
    proxies = {"trusted_proxies": ("127.0.0.1",)}
    override_config(certificates=proxies)
    document = scene.client.metadata()
    assert document["tls_client_certificate_bound_access_tokens"] is True
    for endpoint in ("token", "introspection", "revocation"):
        assert "tls_client_auth" in document[f"{endpoint}_endpoint_auth_methods_supported"]
    assert "mtls_endpoint_aliases" not in document

    override_config(certificates=proxies | {"endpoint_base": "https://mtls.example.com/"})
    aliases = scene.client.metadata()["mtls_endpoint_aliases"]
    assert aliases["token_endpoint"] == "https://mtls.example.com/oauth/token"
    assert set(aliases) <= set(document)
