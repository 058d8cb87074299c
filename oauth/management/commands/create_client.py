"""`manage.py create_client`: make a client from the shell; its secret is printed once."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser

from authplane.core.management.actor import command_actor
from authplane.core.management.output import ReportingCommand
from oauth.clients.certificate_subjects import SUBJECT_MEMBERS
from oauth.clients.policy import AUTH_METHODS
from oauth.clients.records import security_of
from oauth.clients.services import create_client
from oauth.registration.schema import BadMetadata


class Command(ReportingCommand):
    """The rules are those of the operator API: every problem is told at once."""

    help = "Make an OAuth client."

    def add_arguments(self, parser: CommandParser) -> None:
        """The members of the client."""
        super().add_arguments(parser)
        parser.add_argument("--name", required=True, help="What users see at consent.")
        parser.add_argument(
            "--redirect-uri", action="append", default=[], help="May be given several times."
        )
        parser.add_argument(
            "--grant-type", action="append", default=[],
            help="May be given several times. Default: authorization_code and refresh_token.",
        )  # fmt: skip
        parser.add_argument(
            "--auth-method", default="none", choices=AUTH_METHODS,
            help="How the client proves itself at the token endpoint.",
        )  # fmt: skip
        parser.add_argument("--jwks-uri", default="", help="Where private_key_jwt keys are.")
        parser.add_argument("--jwks", default="", help="Its public keys, as a JSON Web Key Set.")
        parser.add_argument(
            "--certificate", default="", metavar="NAME=VALUE",
            help="The one name of its certificates for tls_client_auth: subject_dn, san_dns, "
            "san_uri, san_ip or san_email.",
        )  # fmt: skip
        parser.add_argument(
            "--certificate-bound", action="store_true",
            help="Its tokens are bound to its TLS certificate.",
        )  # fmt: skip
        parser.add_argument(
            "--require-pushed", action="store_true", help="It has to push authorization requests."
        )
        parser.add_argument(
            "--require-signed", action="store_true", help="It has to sign authorization requests."
        )
        parser.add_argument(
            "--request-alg", default="", help="The one algorithm with which it signs requests."
        )
        parser.add_argument(
            "--dpop-bound", action="store_true", help="Every token request must carry a proof."
        )
        parser.add_argument("--scope", default="", help="Ceiling: scopes separated by spaces.")
        parser.add_argument("--agent", action="store_true", help="The client is an agent.")
        parser.add_argument("--agent-description", default="", help="What the agent does.")

    def handle(self, *_: Any, **options: Any) -> None:
        """The client exists; without success nothing was made and the exit status says so."""
        document = {
            "client_name": options["name"],
            "redirect_uris": options["redirect_uri"],
            "grant_types": options["grant_type"],
            "token_endpoint_auth_method": options["auth_method"],
            "jwks_uri": options["jwks_uri"],
            "scope": options["scope"],
            "agent": options["agent"],
            "agent_description": options["agent_description"],
            "require_pushed_authorization_requests": options["require_pushed"],
            "require_signed_request_object": options["require_signed"],
            "request_object_signing_alg": options["request_alg"],
            "tls_client_certificate_bound_access_tokens": options["certificate_bound"],
            "dpop_bound_access_tokens": options["dpop_bound"],
            **_given_certificate(options["certificate"]),
            **_given_keys(options["jwks"]),
        }
        try:
            created = create_client(document, actor=command_actor())
        except BadMetadata as bad:
            raise CommandError(bad.description) from None
        client = created.client
        result: dict[str, Any] = {"client_id": client.client_id}
        if created.secret is not None:
            result["client_secret"] = created.secret
        result |= {
            "client_name": client.name,
            "redirect_uris": client.redirect_uri_list,
            "grant_types": client.grant_types,
            "token_endpoint_auth_method": client.token_endpoint_auth_method,
            "scope": client.scope,
            **security_of(client),
        }
        self.report(result, title="client created", as_json=options["json"])


def _given_certificate(text: str) -> dict[str, str]:
    """The member that names the client's certificates.

    Raises: CommandError.
    """
    if not text:
        return {}
    name, _, value = text.partition("=")
    member = f"tls_client_auth_{name}"
    if member not in SUBJECT_MEMBERS:
        raise CommandError(
            "--certificate takes subject_dn=, san_dns=, san_uri=, san_ip= or san_email="
        )
    return {member: value}


def _given_keys(text: str) -> dict[str, Any]:
    """The key set.

    Raises: CommandError.
    """
    if not text:
        return {}
    try:
        return {"jwks": json.loads(text)}
    except ValueError:
        raise CommandError("--jwks is not JSON") from None
