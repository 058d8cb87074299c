"""People who work in the console, by role."""

from __future__ import annotations

from typing import Any

from django.test import Client as Browser

from tests.support.factories import make_user

ROLES = ("viewer", "operator", "security", "owner")
ALL = (*ROLES, "without", "stranger")
"""Besides the roles: staff without one, and somebody who is no staff."""


class Desk(Browser):
    """A browser with somebody signed in to the console."""

    person: Any


def desk(role: str) -> Desk:
    """Somebody with this role, or `without` one, or a `stranger` to the console."""
    from admin_api.models import StaffRole

    person = make_user(is_staff=role != "stranger", is_superuser=role == "owner")
    if role in ROLES:
        StaffRole.objects.create(user=person, role=role)
    browser = Desk()
    browser.force_login(person)
    browser.person = person
    return browser


def reaches(role: str, needed: str) -> bool:
    """Whether the role may do what `needed` may."""
    return role in ROLES and ROLES.index(role) >= ROLES.index(needed)
