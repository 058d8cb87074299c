"""How user rows are made and found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth.base_user import BaseUserManager

if TYPE_CHECKING:
    from authplane.accounts.models import User


def fold_email(email: str) -> str:
    """The one spelling under which an address is stored and looked up.

    The local part is folded as well: two accounts that differ only in case are one person to every
    reader, and an attacker who registers the other spelling would pass for them.
    """
    return email.strip().casefold()


class UserManager(BaseUserManager["User"]):
    """Users by e-mail, whatever its case."""

    use_in_migrations = False

    def get_by_natural_key(self, username: str | None) -> User:
        """The user with this e-mail.

        Raises: User.DoesNotExist.
        """
        return self.get(email=fold_email(username or ""))

    def create_user(
        self, email: str | None = None, password: str | None = None, **fields: Any
    ) -> User:
        """A saved user; without a password nobody can sign in to it locally."""
        user = self.model(email=fold_email(email) if email else None, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(
        self, email: str | None = None, password: str | None = None, **fields: Any
    ) -> User:
        """A saved user who may do everything in the operator console."""
        fields.setdefault("role", self.model.Role.ADMIN)
        return self.create_user(
            email=email, password=password, is_staff=True, is_superuser=True, **fields
        )
