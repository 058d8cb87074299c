"""Register, read, replace and remove dynamic clients (RFC 7591 and RFC 7592)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from django.db import transaction

from audit import record
from audit.events import ClientDeleted, ClientRegistered, ClientUpdated
from authplane.core import budgets, clock, ratelimit
from authplane.core.config import config
from authplane.core.hashing import constant_time_equals, new_secret, sha256_hex
from authplane.core.metrics import counter
from authplane.core.ratelimit import Verdict
from oauth.clients import lookup
from oauth.clients.errors import ClientUnknown
from oauth.clients.policy import SECRET_METHODS, initial_ceiling
from oauth.clients.records import IDENTITY, fields_of, forget_what_was_shown
from oauth.clients.removal import remove_client
from oauth.clients.secrets import digest_secret, new_client_secret, verify_secret
from oauth.errors import OAuthError, Reason
from oauth.models import Client, FetchedDocument
from oauth.registration import approval, policy
from oauth.registration.rules import DYNAMIC
from oauth.registration.schema import BadMetadata, Metadata, Problem, read_metadata

DECIDED_HERE: Final = (
    "registration_access_token",
    "registration_client_uri",
    "client_secret_expires_at",
    "client_id_issued_at",
)
SOFTWARE_BURST: Final = 2
"""Seconds' worth of registrations that one software may make at once."""

_NOBODY: Final = sha256_hex("no client has this registration token")


@dataclass(frozen=True, slots=True)
class Registered:
    """A registered client, with what it is told and nobody can read again."""

    client: Client
    registration_token: str
    secret: str | None = None


class TooMany(Exception):
    """The software registers faster than its budget allows."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__()
        self.verdict = verdict


def register_client(document: Mapping[str, Any]) -> Registered:
    """A new client that registered itself. Nothing is written unless every rule holds.

    Where administrators have to agree to it, it is there and cannot be used yet.

    Spec: RFC 7591 sections 2, 3.1 and 5.
    Raises: OAuthError(REGISTRATION_DISABLED), BadMetadata, OAuthError(REDIRECT_NOT_APPROVED),
    TooMany.
    """
    policy.require_open()
    metadata = read_metadata(document, rules=DYNAMIC)
    policy.require_approved(metadata.redirect_uris or ())
    _count_software(metadata)
    secret = new_client_secret() if metadata.auth_method in SECRET_METHODS else None
    token = new_secret()
    client = Client(
        **fields_of(metadata),
        scope=initial_ceiling(metadata.grant_types),
        client_secret=digest_secret(secret) if secret else "",
        status=approval.initial_status(Client.Source.DCR),
        registration_source=Client.Source.DCR,
        registration_token=sha256_hex(token),
    )
    with transaction.atomic():
        client.save(force_insert=True)
        record.record(ClientRegistered(client_id=client.client_id, source=Client.Source.DCR))
        approval.begin_if_pending(client)
    lookup.drop(client.client_id)
    counter("authserver_clients_registered_total").labels(source=Client.Source.DCR).inc()
    return Registered(client, token, secret)


def managed_client(client_id: str, *, presented_token: str, lock: bool = False) -> Client:
    """The dynamic client that this registration access token belongs to, approved or not yet.

    An unknown client, a wrong token and a client that an operator switched off look the same.

    Spec: RFC 7592 section 2 (401 also when the client does not exist).
    Raises: OAuthError(REGISTRATION_TOKEN_INVALID).
    """
    clients = Client.objects.select_for_update() if lock else Client.objects.all()
    client = (
        clients.filter(
            issuer="",
            client_id=client_id,
            registration_source=Client.Source.DCR,
            status__in=(Client.Status.ACTIVE, Client.Status.PENDING),
        ).first()
        if "\x00" not in client_id
        else None
    )
    stored = client.registration_token if client else ""
    if not constant_time_equals(sha256_hex(presented_token), stored or _NOBODY) or client is None:
        raise OAuthError(Reason.REGISTRATION_TOKEN_INVALID)
    found: Client = client
    return found


def replace_registration(
    client_id: str, *, presented_token: str, document: Mapping[str, Any]
) -> Registered:
    """The client is what `document` says and nothing else; what it leaves out has its default.

    The registration token is replaced, so that of two updates at once with the same token one is
    refused. The agent mark stays as it was registered, the secret unless the method changes.

    Spec: RFC 7592 section 2.2.
    Raises: OAuthError, BadMetadata.
    """
    policy.require_open()
    with transaction.atomic():
        client = managed_client(client_id, presented_token=presented_token, lock=True)
        _require_own_members(client, document)
        metadata = read_metadata(document, rules=DYNAMIC)
        policy.require_approved(metadata.redirect_uris or ())
        token = new_secret()
        secret = _apply(client, metadata)
        client.registration_token = sha256_hex(token)
        client.version += 1
        client.save()
    lookup.drop(client_id)
    return Registered(client, token, secret)


def remove_registration(client_id: str, *, presented_token: str) -> None:
    """The client is gone with everything it was given.

    Spec: RFC 7592 section 2.3.
    Raises: OAuthError(REGISTRATION_TOKEN_INVALID).
    """
    client = managed_client(client_id, presented_token=presented_token)
    event = ClientDeleted(actor_id=client_id, client_id=client_id, cause="client")
    try:
        remove_client(client.pk, event=event, now=clock.now())
    except ClientUnknown:
        raise OAuthError(Reason.REGISTRATION_TOKEN_INVALID) from None


def _apply(client: Client, metadata: Metadata) -> str | None:
    """The columns follow the metadata; returns a new secret where the client now needs one."""
    fields = fields_of(metadata)
    fields["is_agent"] = client.is_agent
    changed = sorted(name for name, value in fields.items() if getattr(client, name) != value)
    had_secret = client.token_endpoint_auth_method in SECRET_METHODS
    needs_secret = metadata.auth_method in SECRET_METHODS
    for name in changed:
        setattr(client, name, fields[name])
    # An operator's ceiling outlives a change of grants, by which it could otherwise be shed.
    client.scope = client.scope or initial_ceiling(metadata.grant_types)
    secret = new_client_secret() if needs_secret and not had_secret else None
    if secret or not needs_secret:
        client.client_secret = digest_secret(secret) if secret else ""
        client.previous_secret, client.previous_secret_expires_at = "", None
    if "client_jwks_uri" in changed:
        FetchedDocument.objects.filter(client=client).delete()
    if {*IDENTITY, "token_endpoint_auth_method"} & set(changed):
        forget_what_was_shown(client, now=clock.now())
    record.record(
        ClientUpdated(
            actor_id=client.client_id, client_id=client.client_id, fields=",".join(changed)
        )
    )
    approval.on_change(client, changed=changed)
    return secret


def _require_own_members(client: Client, document: Mapping[str, Any]) -> None:
    """The update names the client itself, and nothing that only the server decides.

    Spec: RFC 7592 section 2.2: client_id MUST be present and the same, a secret MUST match the
    present one, the four others MUST NOT be included.
    Raises: BadMetadata.
    """
    problems = []
    if document.get("client_id") != client.client_id:
        problems.append(Problem("client_id must be that of the client"))
    problems += [Problem(f"{name} must not be sent") for name in DECIDED_HERE if name in document]
    if "client_secret" in document:
        secret = document["client_secret"]
        if not isinstance(secret, str) or not verify_secret(secret, client=client, now=clock.now()):
            problems.append(Problem("client_secret must be the present one"))
    if problems:
        raise BadMetadata(problems)


def _count_software(metadata: Metadata) -> None:
    """The software is within its budget, whatever addresses it comes from.

    Hosted clients register from few shared addresses, so the budget of an address is generous;
    this one stops a single software that runs wild behind many.

    Raises: TooMany.
    """
    if not config().rate_limit.enabled:
        return
    rate = budgets.value("software_registrations_per_second", config().dcr.software_rate_limit)
    verdict = ratelimit.take(
        "register-software", software_key(metadata), rate=rate, burst=rate * SOFTWARE_BURST
    )
    if not verdict.allowed:
        raise TooMany(verdict)


def software_key(metadata: Metadata) -> str:
    """The same for every installation of a software: its id, else its name and redirect hosts."""
    if metadata.software_id:
        return sha256_hex(f"id:{metadata.software_id}")
    hosts = sorted({urlsplit(uri).hostname or "" for uri in metadata.redirect_uris or ()})
    return sha256_hex("\n".join([metadata.name, *hosts]))
