"""The operator console's own front door: staff only, and only so many guesses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.admin import AdminSite
from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.exceptions import ValidationError
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path

from audit import record
from audit.events import ConsoleLogin, ConsoleLoginFailed
from authplane.accounts.managers import fold_email
from authplane.accounts.models import User
from authplane.core import console_menu, console_pages
from authplane.core.config import config
from authplane.core.console_place import place
from authplane.core.lockout import Window
from authplane.core.network import client_address, network_key

if TYPE_CHECKING:
    from django.http import HttpRequest

LOCKED = "Too many attempts. Wait a while, then try again."


class ConsoleLoginForm(AdminAuthenticationForm):
    """Sign-in of operators, counted apart from that of users and locked like it."""

    def clean(self) -> dict[str, Any]:
        """The person is staff and has given the right password in time.

        The lock is asked again afterwards: of many guesses sent at once, those that were still
        being hashed when it fell must not learn whether they were right.

        Raises: ValidationError, in the same words whatever was wrong.
        """
        typed = fold_email(self.cleaned_data.get("username") or "")
        key = f"{typed} {network_key(client_address(self._request()))}"
        window = _window()
        _require_unlocked(window, key)
        try:
            cleaned = super().clean() or {}
        except ValidationError:
            window.count_failure(key)
            record.record(ConsoleLoginFailed(actor_id=_target(typed)))
            raise
        _require_unlocked(window, key)
        user = self.get_user()
        window.clear(key)
        record.record(ConsoleLogin(actor_id=str(user.pk)))
        return cleaned

    def _request(self) -> HttpRequest:
        if self.request is None:
            raise ValidationError(LOCKED)
        return self.request


class ConsoleSite(AdminSite):
    """Django's admin under our name and behind our door, with our own pages beside the lists."""

    site_header = "authplane"
    site_title = "authplane console"
    index_title = "Overview"
    site_url = None
    login_form = ConsoleLoginForm
    enable_nav_sidebar = False

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Our pages stand before the lists, whose last pattern catches everything."""
        own = [
            path(page.path, self.admin_view(page.view), name=page.name)
            for page in console_pages.pages()
            if page.path
        ]
        return [*own, *super().get_urls()]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """What every page of the console shows: the navigation, and where one is."""
        context = super().each_context(request)
        return context | {
            "place": place(),
            "menu": console_menu.menu(request) if context["has_permission"] else (),
        }

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """The overview: the page without a path of its own."""
        front = console_pages.page_called("overview")
        page = front.view(request) if front else None
        if isinstance(page, TemplateResponse):
            return page
        return super().index(request, extra_context)


def _window() -> Window:
    limits = config().rate_limit
    return Window(
        scope="console",
        limit=limits.auth_fail_max,
        window=limits.auth_fail_window,
        lockout=limits.auth_lockout,
    )


def _require_unlocked(window: Window, key: str) -> None:
    if window.locked_until(key):
        raise ValidationError(LOCKED, code="locked")


def _target(email: str) -> str:
    """The account aimed at; looked up for every failure, so that the time tells nothing."""
    target = User.objects.filter(email=email).only("pk").first()
    return str(target.pk) if target else ""
