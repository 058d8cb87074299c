"""Rules about secrets: there, strong, each for one purpose; the data key as it is kept."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from authplane.core.areas.vault import TRANSIT
from authplane.core.uris import check_redirect_uri

if TYPE_CHECKING:
    from collections.abc import Iterator

    from authplane.core.areas import Config

WEAK = frozenset(
    {
        "dev-secret-change-me",
        "dev-admin-key",
        "changeme",
        "secret",
        "password",
        "admin",
        "test",
    }
)
"""Secrets that stand in tutorials. Compared without case and surrounding white space."""

MINIMUM_SECRET = 16
WRAPPED_KEY = re.compile(r"vault:v[0-9]{1,9}:[A-Za-z0-9+/]{40,4096}={0,2}")
DATA_KEY_HEX = re.compile(r"[0-9a-fA-F]{64}")


def secret_problems(config: Config, *, local: bool) -> Iterator[str]:
    """Every broken rule about secrets, in words; with `local` missing ones are made up."""
    secrets = config.secrets
    required = {
        "AUTHPLANE_SESSION_SECRET": secrets.session,
        "AUTHPLANE_CSRF_SECRET": secrets.csrf,
        "AUTHPLANE_INTEGRITY_KEY": secrets.integrity,
        "AUTHPLANE_CLIENT_SECRET_PEPPER": secrets.pepper,
    }
    if config.admin.enabled:
        required["AUTHPLANE_ADMIN_API_KEY"] = config.admin.api_key
    old = {
        "AUTHPLANE_SESSION_SECRET_OLD": secrets.session_old,
        "AUTHPLANE_CSRF_SECRET_OLD": secrets.csrf_old,
        "AUTHPLANE_INTEGRITY_KEY_OLD": secrets.integrity_old,
        "AUTHPLANE_CLIENT_SECRET_PEPPER_OLD": secrets.pepper_old,
    }
    for name, value in required.items():
        yield from _strength_problems(name, value, local=local)
    for name, value in old.items():
        if value and value == required[name.removesuffix("_OLD")]:
            yield f"{name} equals the present value; it must be the one before"
    if config.broker.cron_secret:
        required["CRON_SECRET"] = config.broker.cron_secret
        yield from _strength_problems("CRON_SECRET", config.broker.cron_secret, local=False)
    if config.forward_auth.key:
        # As strong beside localhost: what it opens is not this server's alone.
        required["AUTHPLANE_FORWARD_AUTH_KEY"] = config.forward_auth.key
        yield from _strength_problems(
            "AUTHPLANE_FORWARD_AUTH_KEY", config.forward_auth.key, local=False
        )
    yield from _reuse_problems(required)
    yield from _data_key_problems(secrets.data, secrets.data_old, local=local)
    yield from _vault_problems(config)
    if config.metrics.password and config.metrics.password.strip().lower() in WEAK:
        yield "METRICS_PASSWORD is on the list of well-known weak secrets"


def _data_key_problems(present: str, old: str, *, local: bool) -> Iterator[str]:
    if not present and not local:
        yield "AUTHPLANE_DATA_ENCRYPTION_KEY is required unless the issuer is localhost"
    for name, value in (
        ("AUTHPLANE_DATA_ENCRYPTION_KEY", present),
        ("AUTHPLANE_DATA_ENCRYPTION_KEY_OLD", old),
    ):
        if value and not DATA_KEY_HEX.fullmatch(value) and not WRAPPED_KEY.fullmatch(value):
            yield f"{name} must be 64 hexadecimal digits (32 bytes), or what Vault made of them"
    if present and present.lower() == old.lower():
        yield "AUTHPLANE_DATA_ENCRYPTION_KEY_OLD equals the present value"


def _vault_problems(config: Config) -> Iterator[str]:
    """A data key that Vault wrapped can be asked for, and is what the driver says."""
    keys, present = config.data_keys, config.secrets.data
    is_wrapped = present.startswith("vault:")
    if keys.driver == TRANSIT and not is_wrapped:
        yield (
            "AUTHPLANE_DATA_ENCRYPTION_KEY must be a data key as Vault wrapped it (vault:v1:...):"
            " vault write -f -field=ciphertext <mount>/datakey/wrapped/<key>"
        )
    if keys.driver != TRANSIT and is_wrapped:
        yield "AUTHPLANE_DATA_ENCRYPTION_DRIVER must be vault_transit_encrypt: Vault has the key"
    if config.signing.key_store == "vault_transit" and keys.driver != TRANSIT:
        yield (
            "AUTHPLANE_SIGNING_KEY_STORE vault_transit needs AUTHPLANE_DATA_ENCRYPTION_DRIVER"
            " vault_transit_encrypt"
        )
    if not (is_wrapped or config.secrets.data_old.startswith("vault:") or keys.address):
        return
    name = "AUTHPLANE_DATA_ENCRYPTION_VAULT_"
    needed = {"ADDRESS": keys.address, "KEY_NAME": keys.key_name, "MOUNT_PATH": keys.mount_path}
    needed |= {
        "token": {"TOKEN": keys.token},
        "approle": {"ROLE_ID": keys.role_id, "SECRET_ID": keys.secret_id},
        "kubernetes": {"KUBERNETES_ROLE": keys.kubernetes_role},
    }[keys.auth_method]
    for member, value in needed.items():
        if not value:
            yield f"{name}{member} is required for a data key that Vault wrapped"
    problem = keys.address and check_redirect_uri(keys.address, private_schemes=())
    if problem or "?" in keys.address:
        yield f"{name}ADDRESS must be https, or http on loopback"


def _strength_problems(name: str, value: str, *, local: bool) -> Iterator[str]:
    if not value:
        if not local:
            yield f"{name} is required unless the issuer is localhost"
    elif value.strip().lower() in WEAK:
        yield f"{name} is on the list of well-known weak secrets"
    elif not local and len(value.strip()) < MINIMUM_SECRET:
        yield f"{name} must have at least {MINIMUM_SECRET} characters"
    elif not local and len(set(value.strip())) < MINIMUM_SECRET // 2:
        yield f"{name} repeats too few characters to be random"


def _reuse_problems(values: dict[str, str]) -> Iterator[str]:
    """No two purposes share a secret: who learns one must not hold the other."""
    seen: dict[str, str] = {}
    for name, value in values.items():
        if value and value in seen:
            yield f"{name} has the same value as {seen[value]}; use different secrets"
        elif value:
            seen[value] = name
