"""Users in and out. No password, hash or foreign identity ever goes out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rest_framework import serializers

from admin_api.serializers.strict import Body, Secret, Text
from authplane.accounts import services
from authplane.accounts.errors import AccountError, WeakPassword
from authplane.accounts.models import User
from authplane.core.clock import as_text


class NewUser(Body):
    """Body of `POST /admin/users`."""

    email = Text()
    password = Secret()
    name = Text(required=False, allow_blank=True, default="")
    role = Text(required=False, allow_blank=True, default=User.Role.USER)

    def validate_email(self, value: str) -> str:
        """Well-formed, as it is stored."""
        return _accepted(lambda: services.accepted_email(value))

    def validate_name(self, value: str) -> str:
        """Short and printable, as it is stored."""
        return _accepted(lambda: services.accepted_name(value))

    def validate_password(self, value: str) -> str:
        """Strong enough, also in view of the other members."""
        words = {name: self.initial_data.get(name) for name in ("email", "name")}
        user = User(**{name: word for name, word in words.items() if isinstance(word, str)})
        try:
            services.require_strong(value, user=user)
        except WeakPassword as error:
            raise serializers.ValidationError(error.problems) from None
        return value


class UserChange(Body):
    """Body of `PATCH /admin/users/{id}`; what is absent stays."""

    email = Text(required=False)
    name = Text(required=False, allow_blank=True)

    def validate_email(self, value: str) -> str:
        """Well-formed, as it is stored."""
        return _accepted(lambda: services.accepted_email(value))

    def validate_name(self, value: str) -> str:
        """Short and printable, as it is stored."""
        return _accepted(lambda: services.accepted_name(value))


def user_view(user: User) -> dict[str, Any]:
    """A user as operators see one."""
    return {
        "id": str(user.pk),
        "email": user.email or "",
        "name": user.name,
        "role": user.role,
        "status": user.status,
        "provider": user.provider,
        "created_at": as_text(user.created_at),
    }


def _accepted(check: Callable[[], str]) -> str:
    try:
        return check()
    except AccountError as error:
        raise serializers.ValidationError(str(error)) from None
