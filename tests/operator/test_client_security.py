"""What a client demands of itself, as operators set it: over the API, from the shell."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import CommandError, call_command

from audit.models import AuditEvent
from oauth.models import Client
from tests.support.factories import make_client
from tests.support.published import key_set, signing_key

GOOD = {"client_name": "Robot", "redirect_uris": ["https://robot.example.com/callback"]}
KEYS = key_set(signing_key())
SWITCHES = [
    "require_pushed_authorization_requests",
    "require_signed_request_object",
    "tls_client_certificate_bound_access_tokens",
]


@pytest.fixture
def _proxy(override_config):
    override_config(certificates={"trusted_proxies": ("127.0.0.1",)})


@pytest.mark.usefixtures("_proxy")
def test_a_client_is_created_with_everything(operator):
    asked = {
        "token_endpoint_auth_method": "tls_client_auth",
        "tls_client_auth_san_dns": "robot.example.com",
        "request_object_signing_alg": "ES256",
        "jwks": KEYS,
        **dict.fromkeys(SWITCHES, True),
    }
    answer = operator.post("/admin/clients", GOOD | asked)

    assert answer.status_code == 201, answer.json()
    shown = {name: value for name, value in asked.items() if name != "jwks"}
    view = operator.get(f"/admin/clients/{answer.json()['client_id']}").json()
    for body in (answer.json(), view):
        assert shown == {name: body[name] for name in shown}
    row = Client.objects.get()
    assert row.tls_client_auth == {"tls_client_auth_san_dns": "robot.example.com"}
    assert row.client_jwks["keys"]


@pytest.mark.parametrize("member", SWITCHES)
@pytest.mark.usefixtures("_proxy")
def test_a_demand_is_made_and_taken_back(operator, member):
    client = make_client(
        client_jwks=KEYS,
        request_object_signing_alg="ES256",
        token_endpoint_auth_method="client_secret_basic",
    )
    path = f"/admin/clients/{client.client_id}"

    made = operator.call("PATCH", path, {member: True})
    assert (made.status_code, made.json()[member]) == (200, True)
    assert AuditEvent.objects.get(action="client.updated").detail["fields"] == member
    client.refresh_from_db()
    assert getattr(client, member) is True
    assert client.client_jwks == KEYS

    taken_back = operator.call("PATCH", path, {member: False})
    assert member not in taken_back.json()


def test_another_change_keeps_the_demands(operator):
    client = make_client(
        client_jwks=KEYS, require_signed_request_object=True, request_object_signing_alg="ES256",
        require_pushed_authorization_requests=True,
    )  # fmt: skip

    answer = operator.call("PATCH", f"/admin/clients/{client.client_id}", {"client_name": "New"})

    assert answer.json()["require_signed_request_object"] is True
    client.refresh_from_db()
    assert (client.client_jwks, client.request_object_signing_alg) == (KEYS, "ES256")
    assert client.require_pushed_authorization_requests


@pytest.mark.parametrize(
    "change",
    [
        {"require_pushed_authorization_requests": "yes"},
        {"require_signed_request_object": True},
        {"tls_client_certificate_bound_access_tokens": True},
        {"tls_client_auth_san_dns": "robot.example.com"},
    ],
)
def test_a_demand_that_cannot_be_met_is_refused(operator, change):
    client = make_client()
    answer = operator.call("PATCH", f"/admin/clients/{client.client_id}", change)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert client.version == Client.objects.get().version


def run(*arguments):
    out = io.StringIO()
    call_command("create_client", "--name", "Robot", *arguments, "--json", stdout=out)
    return json.loads(out.getvalue())


@pytest.mark.django_db
@pytest.mark.usefixtures("_proxy")
def test_from_the_shell():
    printed = run(
        "--redirect-uri", "https://robot.example.com/callback", "--auth-method", "tls_client_auth",
        "--certificate", "subject_dn=CN=robot,O=Example", "--certificate-bound",
        "--require-pushed", "--require-signed", "--request-alg", "ES256",
        "--jwks", json.dumps(KEYS),
    )  # fmt: skip

    assert printed["tls_client_auth_subject_dn"] == "CN=robot,O=Example"
    assert all(printed[name] is True for name in SWITCHES)
    assert Client.objects.get().client_jwks["keys"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "arguments",
    [
        ("--certificate", "thumbprint=abc"),
        ("--jwks", "no json"),
        ("--auth-method", "tls_client_auth", "--certificate", "san_dns=robot.example.com"),
        ("--require-signed",),
    ],
)
def test_what_cannot_work_is_refused(arguments):
    with pytest.raises(CommandError):
        run("--redirect-uri", "https://robot.example.com/callback", *arguments)
    assert not Client.objects.exists()
