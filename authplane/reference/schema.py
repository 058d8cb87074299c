"""The storage schema, written from the models: every table, its columns, how long a row lives."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from django.apps import apps

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import Field, Model

OURS = ("accounts", "oauth", "audit", "core", "broker", "admin_api")

LIFETIMES: dict[str, str] = {
    "accounts.User": "until an operator deletes it",
    "admin_api.AdminApiKey": "for good; revoking dates it",
    "admin_api.StaffRole": "as long as its user, until an owner takes it away",
    "audit.AuditCursor": "one row per anchor and stream, for good",
    "audit.AuditEvent": "until retention removes it; never changed",
    "audit.AuditKey": "for good: its public part verifies what it once signed",
    "audit.AuditSeal": "for good; never changed",
    "audit.SealRemoval": "for good; never changed",
    "audit.SealedEvent": "as long as its row of the record; never changed",
    "broker.AccessGroup": "until an operator deletes it",
    "broker.ApiKey": "until its user is deleted; revoking dates it",
    "broker.BrokerProvider": "until an operator deletes it",
    "broker.ConnectState": "minutes, then as a tombstone until it is purged",
    "broker.Connection": "until its user is deleted; ending it dates it and empties the credential",
    "broker.FederatedIdentity": "as long as its user and provider",
    "broker.GatewaySession": "until expiry, then purged",
    "broker.GroupProxyAccess": "as long as its group and proxy",
    "broker.IdentityProvider": "until an operator deletes it",
    "broker.OAuthProxy": "until an operator deletes it",
    "broker.Profile": "as long as its project",
    "broker.Project": "as long as its user",
    "broker.ProviderConfig": "as long as its provider",
    "broker.ProxyConsent": "as long as its user, client and proxy; revoking dates it",
    "broker.UpstreamConfig": "as long as its server",
    "broker.UpstreamServer": "until its user removes it",
    "core.KeptAnswer": "a day",
    "core.LoginFailure": "until its window and lock are over",
    "core.OneTimeValue": "until the value could not be used any more anyway",
    "core.OperatorSession": "until sign-out or expiry",
    "core.RateBucket": "until the bucket is full again",
    "core.RequestWindow": "until the window is over",
    "core.RuntimeSetting": "until an operator changes it back",
    "core.ScheduledRun": "one row per job, for good",
    "oauth.AccessToken": "until some time after expiry, then purged",
    "oauth.ApprovalVote": "as long as its request for approval",
    "oauth.AssertionAudience": "until an operator deletes it",
    "oauth.AuthorizationCode": "until expiry, spent or not, then purged",
    "oauth.AuthorizationRequest": "minutes, then purged",
    "oauth.ClientApproval": "as long as its client; the answer dates it",
    "oauth.Client": "until deleted; self-registered ones lapse when unused",
    "oauth.ConsentGrant": "until the user or client is deleted; revoking dates it",
    "oauth.DeviceGrant": "never written: the grant is not offered",
    "oauth.FetchedDocument": "as long as its client; fetched anew when it is stale",
    "oauth.FrontingLink": "until an operator deletes it, or one of its resources with it",
    "oauth.IDToken": "never written: ID tokens are not issued",
    "oauth.PushedRequest": "a minute until a browser comes, then as its request; then purged",
    "oauth.RefreshToken": "until expiry, used or not, then purged",
    "oauth.Resource": "until an operator deletes it",
    "oauth.SigningKey": "its public part while a token signed by it may be valid, then purged",
    "oauth.SubjectMapping": "as long as its identity provider",
    "oauth.TokenFamily": "until expiry, then purged",
    "oauth.TrustedIdP": "until an operator deletes it",
    "oauth.WorkloadIssuer": "until an operator deletes it",
    "oauth.XAAPolicy": "as long as its identity provider",
}

PROTECTION: dict[str, str] = {
    "accounts.User.password": "argon2id",
    "admin_api.AdminApiKey.key_hash": "SHA-256",
    "audit.AuditEvent.personal": "personal data; can be emptied",
    "audit.AuditKey.private_sealed": "AES-256-GCM under the data key",
    "broker.ApiKey.key_hash": "SHA-256",
    "broker.BrokerProvider.secret_sealed": "AES-256-GCM under the data key",
    "broker.ConnectState.browser_hash": "SHA-256",
    "broker.ConnectState.state_hash": "SHA-256",
    "broker.ConnectState.verifier_sealed": "AES-256-GCM under the data key",
    "broker.Connection.access_sealed": "AES-256-GCM under the data key",
    "broker.Connection.credential_sealed": "AES-256-GCM under the data key",
    "broker.IdentityProvider.secret_sealed": "AES-256-GCM under the data key",
    "broker.ProviderConfig.registration_sealed": "AES-256-GCM under the data key",
    "broker.ProviderConfig.secret_sealed": "AES-256-GCM under the data key",
    "broker.UpstreamConfig.registration_sealed": "AES-256-GCM under the data key",
    "broker.UpstreamConfig.secret_sealed": "AES-256-GCM under the data key",
    "core.OneTimeValue.digest": "SHA-256",
    "oauth.AuthorizationCode.code": "SHA-256",
    "oauth.Client.client_secret": "HMAC-SHA256 under the pepper",
    "oauth.Client.previous_secret": "HMAC-SHA256 under the pepper",
    "oauth.Client.registration_token": "SHA-256",
    "oauth.PushedRequest.claimed_by": "SHA-256",
    "oauth.PushedRequest.reference": "SHA-256",
    "oauth.RefreshToken.replay_sealed": "AES-256-GCM under the token itself",
    "oauth.RefreshToken.token_checksum": "SHA-256",
    "oauth.SigningKey.private_sealed": "AES-256-GCM under the data key",
}


def storage_schema() -> str:
    """The whole page. Raises: KeyError for a table whose lifetime nobody has stated."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield "# Storage schema"
    yield ""
    yield "No token, code, secret or private key is stored so that the database alone reveals it:"
    yield "what is only ever compared is hashed, what has to be read again is sealed."
    for label in OURS:
        for model in sorted(apps.get_app_config(label).get_models(), key=lambda m: m.__name__):
            yield from _table(model)


def _table(model: type[Model]) -> Iterator[str]:
    name = f"{model._meta.app_label}.{model.__name__}"  # noqa: SLF001 - Django's public name for it
    yield ""
    yield f"## {name}"
    yield ""
    yield from (inspect.getdoc(model) or "").splitlines()
    yield ""
    yield f"Table `{model._meta.db_table}`. Lives {LIFETIMES[name]}."  # noqa: SLF001
    yield ""
    yield "| Column | Type | At rest | Notes |"
    yield "|---|---|---|---|"
    for column in model._meta.concrete_fields:  # noqa: SLF001
        yield _row(name, column)


def _row(model_name: str, column: Field[object, object]) -> str:
    kind = column.get_internal_type().removesuffix("Field")
    if column.related_model is not None:
        kind = f"to {column.related_model.__name__}"
    if column.primary_key:
        kind += ", primary key"
    elif column.unique:
        kind += ", unique"
    if column.null:
        kind += ", optional"
    protection = PROTECTION.get(f"{model_name}.{column.name}", "")
    notes = str(column.help_text).replace("|", "\\|")
    return f"| `{column.column}` | {kind} | {protection} | {notes} |"
