"""Staff: users with a role in the operator console."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import OperationalError, transaction
from django.db.models import F, Q, QuerySet

from admin_api.administrators.errors import BadEntry, NoSuchStaff
from admin_api.models import StaffRole
from admin_api.operations import Role
from audit import record
from audit.events import StaffRoleGranted, StaffRoleRevoked
from authplane.accounts.errors import LastOwner
from authplane.accounts.models import User
from authplane.core import clock
from authplane.core.ids import id_or_none

_KEPT = "_staff_role_of_this_request"


def role_of(user: Any) -> Role | None:
    """What the user may do in the console; None for everybody who is no staff.

    Kept on the object: a page of the console asks some dozen times.
    """
    if not getattr(user, "is_staff", False) or not user.is_active:
        return None
    if user.is_superuser:
        return Role.OWNER
    if not hasattr(user, _KEPT):
        found = StaffRole.objects.filter(user=user).values_list("role", flat=True).first()
        setattr(user, _KEPT, Role(found) if found else None)
    kept: Role | None = getattr(user, _KEPT)
    return kept


def role_needed_for(user_id: str) -> Role:
    """The least role that may change, disable or delete this user.

    Otherwise an operator could lock the owners out, or give one of them another address.
    """
    try:
        user = User.objects.filter(pk=_id(user_id)).first()
    except NoSuchStaff:
        user = None
    if user is None:
        return Role.VIEWER
    if user.is_staff and user.is_superuser:
        return Role.OWNER
    stored = StaffRole.objects.filter(user=user).values_list("role", flat=True).first()
    return Role(stored) if stored else Role.VIEWER


def list_staff() -> QuerySet[StaffRole]:
    """Everybody with a role."""
    return StaffRole.objects.select_related("user")


def find_staff(user_id: str) -> StaffRole:
    """Raises: NoSuchStaff."""
    row = list_staff().filter(user=_id(user_id)).first()
    if row is None:
        raise NoSuchStaff
    return row


def grant_role(user_id: str, *, role: str, actor: str = "system") -> StaffRole:
    """The active user has this role and no other. The same one again changes nothing.

    Raises: BadEntry, NoSuchStaff when there is no such active user, LastOwner.
    """
    if role not in set(Role):
        raise BadEntry([f"role must be one of {', '.join(Role)}"])
    with transaction.atomic():
        user = _locked(user_id)
        row = StaffRole.objects.filter(user=user).first()
        before = row.role if row else ""
        if row is not None and before == role:
            return row
        if role != Role.OWNER:
            require_other_owner(user)
        row, _ = StaffRole.objects.update_or_create(
            user=user, defaults={"role": role, "granted_at": clock.now(), "granted_by": actor[:255]}
        )
        _mark(user, is_staff=True, is_superuser=role == Role.OWNER)
        record.record(StaffRoleGranted(actor_id=actor, user=str(user.pk), role=role, before=before))
    return find_staff(str(user.pk))


def revoke_role(user_id: str, *, actor: str = "system") -> None:
    """The user is no staff from the next request on.

    Raises: NoSuchStaff, LastOwner.
    """
    with transaction.atomic():
        row = StaffRole.objects.select_for_update().filter(user=_id(user_id)).first()
        if row is None:
            raise NoSuchStaff
        user = User.objects.select_for_update().get(pk=row.user_id)
        require_other_owner(user)
        row.delete()
        _mark(user, is_staff=False, is_superuser=False)
        record.record(StaffRoleRevoked(actor_id=actor, user=str(user.pk), role=row.role))


def require_other_owner(user: User) -> None:
    """Somebody else stays an owner, if this user is one.

    The other owners are locked, so that two who dismiss each other at once do not both succeed;
    whoever finds them locked is refused rather than kept waiting for a deadlock.

    Raises: LastOwner.
    """
    if not user.is_superuser:
        return
    owners = Q(is_superuser=True, is_staff=True, status=User.Status.ACTIVE)
    try:
        others = list(
            User.objects.select_for_update(nowait=True)
            .filter(owners)
            .exclude(pk=user.pk)
            .order_by("pk")
            .values_list("pk", flat=True)[:1]
        )
    except OperationalError:
        raise LastOwner from None
    if not others:
        raise LastOwner


def on_user_disabled(sender: type[User], *, user_id: uuid.UUID, **_: Any) -> None:  # noqa: ARG001 - Django's
    """The last owner is not disabled. Raises: LastOwner."""
    require_other_owner(User.objects.get(pk=user_id))


def on_user_deleted(sender: type[User], *, instance: User, **_: Any) -> None:  # noqa: ARG001 - Django's
    """The last owner is not deleted. Raises: LastOwner."""
    if instance.is_active:
        require_other_owner(instance)


def _locked(user_id: str) -> User:
    """Raises: NoSuchStaff."""
    found = (
        User.objects.select_for_update().filter(pk=_id(user_id), status=User.Status.ACTIVE).first()
    )
    if found is None:
        raise NoSuchStaff
    return found


def _mark(user: User, **columns: bool) -> None:
    """Django's own columns, by which the console's door and its owner are known."""
    User.objects.filter(pk=user.pk).update(
        **columns, version=F("version") + 1, updated_at=clock.now()
    )


def _id(text: str) -> uuid.UUID:
    """Raises: NoSuchStaff for what is nobody's."""
    found = id_or_none(text)
    if found is None:
        raise NoSuchStaff
    return found
