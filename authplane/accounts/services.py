"""Making and changing accounts. Each change is recorded in the transaction that makes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from django.db import IntegrityError, transaction
from django.db.models import F
from django.dispatch import Signal

from audit import record
from audit.events import UserCreated, UserDisabled, UserEnabled, UserUpdated
from authplane.accounts.errors import BadEmail, BadName, EmailTaken, WeakPassword, WrongState
from authplane.accounts.managers import fold_email
from authplane.accounts.models import User
from authplane.core import clock

if TYPE_CHECKING:
    import uuid
    from datetime import datetime

MAX_EMAIL: Final = 254
MAX_NAME: Final = 255
MAX_PASSWORD: Final = 1024

_valid_email = EmailValidator()

user_disabled: Final = Signal()
"""Sent in the transaction that disables an account, with `user_id` and `actor`."""


def create_user(
    *,
    email: str | None,
    password: str | None,
    name: str = "",
    role: str = User.Role.USER,
    is_staff: bool = False,
    provider: str = "local",
    provider_sub: str = "",
    actor: str = "system",
) -> User:
    """A new active account that can sign in with the password, or only elsewhere without one.

    ``provider`` is the identity provider that vouches for it, under the subject ``provider_sub``.

    Raises: BadEmail, BadName, WeakPassword, EmailTaken.
    """
    address = accepted_email(email) if email else None
    user = User(
        email=address,
        name=accepted_name(name),
        is_staff=is_staff,
        provider=provider,
        provider_sub=provider_sub,
    )
    user.role = User.Role.ADMIN if role == User.Role.ADMIN else User.Role.USER
    if password is None:
        user.set_unusable_password()
    else:
        require_strong(password, user=user)
        user.set_password(password)
    try:
        with transaction.atomic():
            user.save(force_insert=True)
            record.record(UserCreated(actor_id=actor, user=str(user.pk)))
    except IntegrityError:
        raise EmailTaken from None
    return user


def update_user(
    *, user: User, email: str | None = None, name: str | None = None, actor: str = "system"
) -> User:
    """The account has this e-mail and name; None leaves what is there.

    Raises: BadEmail, BadName, EmailTaken.
    """
    if email is not None:
        user.email = accepted_email(email)
    if name is not None:
        user.name = accepted_name(name)
    try:
        with transaction.atomic():
            _save(user, "email", "name")
            record.record(UserUpdated(actor_id=actor, user=str(user.pk)))
    except IntegrityError:
        raise EmailTaken from None
    return user


def set_role(*, user: User, role: str, actor: str = "system") -> None:
    """The account has this role: one of `User.Role`."""
    user.role = User.Role(role)
    with transaction.atomic():
        _save(user, "role")
        record.record(UserUpdated(actor_id=actor, user=str(user.pk)))


def set_password(*, user: User, password: str, actor: str = "system") -> None:
    """The account signs in with this password; its sessions elsewhere have ended.

    Sessions carry a digest of the password hash, so they stop being valid by themselves.

    Raises: WeakPassword.
    """
    require_strong(password, user=user)
    with transaction.atomic():
        user.password = make_password(password)
        _save(user, "password")
        record.record(UserUpdated(actor_id=actor, user=str(user.pk)))


def disable_user(*, user_id: uuid.UUID, actor: str = "system") -> None:
    """The account cannot sign in, and tokens issued for it count no longer.

    Raises: WrongState, User.DoesNotExist.
    """
    with transaction.atomic():
        _change_status(user_id, present=User.Status.ACTIVE, wanted=User.Status.DISABLED)
        record.record(UserDisabled(actor_id=actor, user=str(user_id)))
        user_disabled.send(User, user_id=user_id, actor=actor)


def enable_user(*, user_id: uuid.UUID, actor: str = "system") -> None:
    """The account can sign in again. Tokens that were revoked stay revoked.

    Raises: WrongState, User.DoesNotExist.
    """
    with transaction.atomic():
        _change_status(user_id, present=User.Status.DISABLED, wanted=User.Status.ACTIVE)
        record.record(UserEnabled(actor_id=actor, user=str(user_id)))


def sign_out_everywhere(*, user_id: uuid.UUID, now: datetime) -> None:
    """Every browser has to sign in again. Runs inside the caller's transaction, which records it.

    Raises: User.DoesNotExist.
    """
    changed = User.objects.filter(pk=user_id).update(
        signed_out_at=now, version=F("version") + 1, updated_at=now
    )
    if not changed:
        raise User.DoesNotExist


def accepted_email(email: str) -> str:
    """The e-mail as it is stored.

    Raises: BadEmail.
    """
    folded = fold_email(email)
    try:
        _valid_email(folded)
    except ValidationError:
        raise BadEmail from None
    if len(folded) > MAX_EMAIL:
        raise BadEmail
    return folded


def accepted_name(name: str) -> str:
    """The name as it is stored.

    Raises: BadName.
    """
    stripped = name.strip()
    if len(stripped) > MAX_NAME or not stripped.isprintable():
        raise BadName
    return stripped


def require_strong(password: str, *, user: User) -> None:
    """The password is long enough, not common, and not made of the account's own words.

    Raises: WeakPassword.
    """
    if len(password) > MAX_PASSWORD or "\x00" in password:
        # Hashing takes time with the length; nobody remembers this much.
        raise WeakPassword([f"This password has more than {MAX_PASSWORD} characters."])
    try:
        validate_password(password, user=user)
    except ValidationError as error:
        raise WeakPassword(list(error.messages)) from None


def _save(user: User, *fields: str) -> None:
    user.version = F("version") + 1
    user.save(update_fields=[*fields, "version", "updated_at"])
    user.refresh_from_db(fields=["version"])


def _change_status(user_id: uuid.UUID, *, present: str, wanted: str) -> None:
    """A conditional update: of two operators who press the button at once, one is told so."""
    changed = User.objects.filter(pk=user_id, status=present).update(
        status=wanted, version=F("version") + 1, updated_at=clock.now()
    )
    if not changed:
        user = User.objects.get(pk=user_id)
        raise WrongState(present=user.status, wanted=wanted)
