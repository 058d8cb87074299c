"""`manage.py create_client`."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from audit.models import AuditEvent
from authplane.core.management.actor import command_actor
from oauth.models import Client

pytestmark = pytest.mark.django_db


def run(*arguments):
    out = io.StringIO()
    call_command("create_client", *arguments, stdout=out)
    return out.getvalue()


def test_the_client_is_printed_as_json_with_its_secret():
    printed = json.loads(
        run(
            "--name", "Robot", "--auth-method", "client_secret_basic", "--grant-type",
            "client_credentials", "--scope", "read", "--agent", "--agent-description", "d",
            "--json",
        )
    )  # fmt: skip

    row = Client.objects.get()
    assert printed["client_id"] == row.client_id
    assert len(printed["client_secret"]) == 43
    assert (row.is_agent, row.scope, row.grant_types) == (True, "read", ["client_credentials"])
    assert AuditEvent.objects.get().actor_id == command_actor()


def test_without_json_people_can_read_it():
    printed = run(
        "--name",
        "Page",
        "--redirect-uri",
        "https://a.example/",
        "--redirect-uri",
        "https://b.example/",
    )

    assert printed.startswith("client created: client_id=")
    assert "client_secret" not in printed
    assert "https://a.example/,https://b.example/" in printed


@pytest.mark.parametrize(
    "arguments",
    [
        ("--name", ""),
        ("--name", "x"),
        ("--name", "x", "--redirect-uri", "http://x.example/"),
        ("--name", "x", "--grant-type", "password"),
        ("--name", "x", "--redirect-uri", "https://a/", "--auth-method", "private_key_jwt"),
        ("--name", "x", "--redirect-uri", "https://a/", "--scope", "a  b"),
    ],
)
def test_a_bad_client_is_refused_with_every_problem(arguments):
    with pytest.raises(CommandError, match="client validation failed: "):
        run(*arguments)
    assert Client.objects.count() == AuditEvent.objects.count() == 0
