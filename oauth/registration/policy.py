"""Who may register: everyone, only clients with approved redirect URIs, or administrators alone.

The mode an operator chose at run time wins over the configuration. It governs metadata documents
too, since they are another way to the same end.
"""

from collections.abc import Collection
from enum import StrEnum

from django.db import transaction

from audit import record
from audit.events import RegistrationModeUpdated
from authplane.core import runtime
from authplane.core.config import config
from authplane.core.models import RuntimeSetting
from oauth.errors import OAuthError, Reason

SETTING = "dcr_mode"


class Mode(StrEnum):
    """How open registration is."""

    OPEN = "open"
    APPROVED_REDIRECTS = "approved_redirects"
    ADMIN_ONLY = "admin_only"


def mode() -> Mode:
    """The mode in force. One that is not known closes registration, whoever wrote it."""
    chosen = runtime.read(SETTING, config().dcr.mode)
    try:
        return Mode(chosen)
    except ValueError:
        return Mode.ADMIN_ONLY


def set_mode(wanted: Mode, *, actor: str) -> None:
    """The mode in every process within seconds. The mode that is in force already: nothing."""
    with transaction.atomic():
        # Two operators at once: the second sees what the first made of it.
        row = RuntimeSetting.objects.select_for_update().filter(name=SETTING).first()
        before = str(row.value) if row else config().dcr.mode
        if before == wanted.value:
            return
        runtime.write(SETTING, wanted.value, by=actor)
        record.record(RegistrationModeUpdated(actor_id=actor, before=before, after=wanted.value))


def is_closed() -> bool:
    """Nobody but administrators may make clients."""
    return mode() is Mode.ADMIN_ONLY


def require_open() -> None:
    """Registration is possible at all.

    Raises: OAuthError(REGISTRATION_DISABLED).
    """
    if is_closed():
        raise OAuthError(Reason.REGISTRATION_DISABLED)


def are_redirects_approved(redirect_uris: Collection[str]) -> bool:
    """The mode lets a client have these redirect URIs.

    Compared byte by byte; a client without any passes.
    """
    if mode() is not Mode.APPROVED_REDIRECTS:
        return True
    return set(redirect_uris) <= set(config().dcr.approved_redirects)


def require_approved(redirect_uris: Collection[str]) -> None:
    """Raises: OAuthError(REDIRECT_NOT_APPROVED)."""
    if not are_redirects_approved(redirect_uris):
        raise OAuthError(Reason.REDIRECT_NOT_APPROVED)
