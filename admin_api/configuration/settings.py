"""The part of the document that is about settings which operators change while it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from django.db import transaction
from rest_framework.serializers import BaseSerializer

from admin_api import runtime_settings
from admin_api.exceptions import problems
from admin_api.viewsets.registration import RegistrationMode
from admin_api.viewsets.runtime_settings import LimitsChange, NoticesBody
from authplane.core import budgets
from authplane.core.config import config
from authplane.core.models import RuntimeSetting
from oauth.registration import approval_rules, policy
from oauth.registration.policy import Mode

Problems = list[str]


class BadSettings(Exception):
    """A setting is not acceptable; the text says everything that is wrong with it."""


def shown() -> dict[str, Any]:
    """The settings in force. Limits are those that were chosen here: the rest is configured."""
    stored = dict(RuntimeSetting.objects.values_list("name", "value"))
    limits = stored.get(budgets.SETTING) or {}
    members: dict[str, Any] = {
        "dcr": {"mode": stored.get(policy.SETTING, config().dcr.mode)},
        "limits": {name: limits[name] for name in budgets.NAMES if name in limits},
        "notices": stored.get(runtime_settings.NOTICES, []),
        "approvals": approval_rules.shown_rules(approval_rules.stored()),
    }
    return {name: value for name, value in members.items() if value}


def change(name: str, wanted: Any, *, actor: str) -> None:
    """The setting is what ``wanted`` says; what is so already writes nothing.

    Raises: BadSettings.
    """
    with transaction.atomic():
        _CHANGES[name](wanted, actor)


def _dcr(wanted: Any, actor: str) -> None:
    policy.set_mode(Mode(_read(RegistrationMode, wanted)["mode"]), actor=actor)


def _limits(wanted: Any, actor: str) -> None:
    said = _read(LimitsChange, wanted)
    runtime_settings.change_limits(dict.fromkeys(budgets.NAMES) | said, actor=actor)


def _notices(wanted: Any, actor: str) -> None:
    said = _read(NoticesBody, {"notices": wanted})
    runtime_settings.replace_notices(said["notices"], actor=actor)


def _approvals(wanted: Any, actor: str) -> None:
    if not isinstance(wanted, Mapping):
        raise BadSettings("must be an object")
    usual = approval_rules.shown_rules(approval_rules.ApprovalRules())
    try:
        approval_rules.change_rules({**usual, **wanted}, actor=actor)
    except approval_rules.BadRules as error:
        raise BadSettings(str(error)) from None


def _read(reader: type[BaseSerializer[Any]], body: Any) -> dict[str, Any]:
    if not isinstance(body, Mapping):
        raise BadSettings("must be an object")
    checked = reader(data=dict(body))
    if not checked.is_valid():
        raise BadSettings("; ".join(problems(checked.errors)))
    return dict(checked.validated_data)


_CHANGES: Final[dict[str, Callable[[Any, str], None]]] = {
    "dcr": _dcr, "limits": _limits, "notices": _notices, "approvals": _approvals,
}  # fmt: skip
NAMES: Final = tuple(_CHANGES)
