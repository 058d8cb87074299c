"""What staff may do in the console, from their role: Django asks this on each page."""

from __future__ import annotations

from typing import Any, Final

from django.contrib.auth.backends import BaseBackend

from admin_api.administrators.staff import role_of
from admin_api.operations import Role

NEEDS_SECURITY: Final = frozenset({
    "broker.accessgroup", "broker.apikey", "broker.brokerprovider", "broker.identityprovider",
    "oauth.assertionaudience", "oauth.clientapproval", "oauth.signingkey", "oauth.subjectmapping",
    "oauth.trustedidp", "oauth.workloadissuer", "oauth.xaapolicy",
})  # fmt: skip
NEEDS_OWNER: Final = frozenset({"admin_api.adminapikey", "admin_api.staffrole"})


class RoleBackend(BaseBackend):
    """Signs nobody in. Viewers see every page; who may change rows depends on what they are.

    Owners are superusers to Django, which asks nobody else about them.
    """

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:  # noqa: ARG002 - Django's
        """`app.view_model`, `app.change_model` and so on."""
        role = role_of(user_obj)
        return role is not None and role.may(needed_for(perm))

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:  # noqa: ARG002 - Django's
        """Every role sees that the app is there."""
        return role_of(user_obj) is not None


def needed_for(perm: str) -> Role:
    """The least role that has this permission of Django's."""
    app, _, codename = perm.partition(".")
    verb, _, model = codename.partition("_")
    if verb == "view":
        return Role.VIEWER
    if f"{app}.{model}" in NEEDS_OWNER:
        return Role.OWNER
    return Role.SECURITY if f"{app}.{model}" in NEEDS_SECURITY else Role.OPERATOR
