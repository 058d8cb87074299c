"""Making, changing and removing proxies. Each change is recorded in its own transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from audit import record
from audit.events import OAuthProxyCreated, OAuthProxyDeleted, OAuthProxyPatched
from authplane.core import clock
from authplane.core.uris import fold_resource
from broker.models import OAuthProxy
from broker.proxies import selectors
from broker.proxies.body import apply
from broker.proxies.errors import (
    BadProxy,
    NoSuchProxy,
    PassthroughRefused,
    Problem,
    ProxyConflict,
)
from oauth.clients.removal import delete_rows
from oauth.models import Client, Resource
from oauth.resources.locking import exclusive

BATCH: Final = 500
COLUMNS: Final = (
    "slug", "name", "mode", "provider_id", "target_url", "allowed_redirects", "scopes",
    "require_consent", "enabled", "config",
)  # fmt: skip


def create_proxy(body: Mapping[str, Any], *, actor: str = "system") -> OAuthProxy:
    """A new proxy that can be used as it is: everything about it was judged.

    `slug`, `provider` and `target_url` are required.

    Raises: BadProxy, ProxyConflict.
    """
    row = OAuthProxy()
    problems = apply(row, body)
    if problems:
        raise BadProxy(problems)
    with exclusive():
        _require_place(row)
        row.save(force_insert=True)
        event = OAuthProxyCreated(actor_id=actor, id=str(row.pk), slug=row.slug, mode=row.mode)
        record.record(event)
    selectors.drop()
    return row


def patch_proxy(
    key: int, body: Mapping[str, Any], *, actor: str = "system", version: int | None = None
) -> OAuthProxy:
    """The proxy with the members of ``body``; a body that changes nothing writes nothing.

    Raises: BadProxy, NoSuchProxy; ProxyConflict, also when ``version`` is given and is no longer
    the proxy's.
    """
    with exclusive():
        row = _locked(key)
        if version is not None and row.version != version:
            raise ProxyConflict("the proxy was changed meanwhile; read it again")
        before = {name: getattr(row, name) for name in COLUMNS}
        problems = apply(row, body)
        if problems:
            raise BadProxy(problems)
        changed = [name for name in COLUMNS if getattr(row, name) != before[name]]
        if not changed:
            return row
        _require_place(row)
        row.version += 1
        row.save(update_fields=[*changed, "version", "updated_at"])
        fields = ",".join(name.removesuffix("_id") for name in changed)
        event = OAuthProxyPatched(actor_id=actor, id=str(key), slug=row.slug, fields=fields)
        record.record(event)
    selectors.drop()
    return row


def delete_proxy(key: int, *, actor: str = "system") -> None:
    """The proxy is gone with its clients, sessions and consents, and its tokens are ended.

    What users connected stays theirs: it belongs to them and the provider.

    Raises: NoSuchProxy.
    """
    with exclusive():
        row = _locked(key)
        of_proxy = Client.objects.filter(issuer=selectors.issuer_key(key)).order_by("pk")
        while batch := list(of_proxy.values_list("pk", flat=True)[:BATCH]):
            delete_rows(batch, now=clock.now())
        row.delete()
        record.record(OAuthProxyDeleted(actor_id=actor, id=str(key), slug=row.slug))
    selectors.drop()


def find_proxy(name: str) -> OAuthProxy:
    """By id or slug. Raises: NoSuchProxy."""
    rows = OAuthProxy.objects.select_related("provider")
    found = rows.filter(slug=name.replace("\0", "")).first()
    if found is None and name.isascii() and name.isdecimal() and len(name) <= 18:  # noqa: PLR2004
        found = rows.filter(pk=int(name)).first()
    if found is None:
        raise NoSuchProxy
    return found


def _require_place(row: OAuthProxy) -> None:
    """Slug and target are the proxy's alone, and its mode fits its target.

    A token of a service is handed to nobody but that service: where clients hold somebody else's
    tokens, the target has to be a resource whose audience this server knows and checks.

    Spec: MCP authorization (MUST NOT pass tokens through).
    Raises: ProxyConflict, PassthroughRefused.
    """
    others = OAuthProxy.objects.exclude(pk=row.pk)
    if others.filter(slug=row.slug).exists():
        raise ProxyConflict("another proxy has this slug")
    target = fold_resource(row.target_url)
    if any(fold_resource(uri) == target for uri in others.values_list("target_url", flat=True)):
        raise ProxyConflict("another proxy has this target_url")
    registered = (
        Resource.objects.exclude(uri="").exclude(backend_kind=Resource.Backend.BROKER)
    ).values_list("uri", flat=True)
    is_registered = any(fold_resource(uri) == target for uri in registered)
    if row.mode == OAuthProxy.Mode.UPSTREAM and not is_registered:
        problem = Problem("mode", "upstream needs a target_url that is a registered resource's")
        raise PassthroughRefused([problem])
    if row.mode == OAuthProxy.Mode.GATEWAY and is_registered:
        raise ProxyConflict("a resource of this server has this target_url")


def _locked(key: int) -> OAuthProxy:
    row = OAuthProxy.objects.select_for_update().filter(pk=key).first()
    if row is None:
        raise NoSuchProxy
    return row
