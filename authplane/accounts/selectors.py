"""Reading accounts."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from authplane.accounts.managers import fold_email
from authplane.accounts.models import User

if TYPE_CHECKING:
    from django.db.models import QuerySet


def find_user(user_id: str | uuid.UUID) -> User | None:
    """The user with this id; None when there is none or it is no id at all."""
    try:
        key = user_id if isinstance(user_id, uuid.UUID) else uuid.UUID(user_id)
    except ValueError:
        return None
    return User.objects.filter(pk=key).first()


def find_by_email(email: str) -> User | None:
    """The user with this e-mail in any case; None when there is none."""
    return User.objects.filter(email=fold_email(email)).first()


def list_users() -> QuerySet[User]:
    """All users, the newest first."""
    return User.objects.order_by("-id")
