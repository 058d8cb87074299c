"""Response headers that take away what a browser could be made to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from authplane.core.config import config

if TYPE_CHECKING:
    from django.http.response import HttpResponseBase

MACHINE = (
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
)
PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)
CONSOLE_POLICY = (
    # Django's own scripts come as files. Nothing inline runs, and nothing is evaluated.
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
TWO_YEARS = "max-age=63072000; includeSubDomains"


def harden_machine(response: HttpResponseBase) -> None:
    """The answer of a machine route is nothing a browser can run, frame or sniff."""
    headers = response.headers
    for name, value in MACHINE:
        headers[name] = value
    if config().session.secure:
        headers["Strict-Transport-Security"] = TWO_YEARS


def harden_page(response: HttpResponseBase, *, path: str) -> None:
    """What a page did not say for itself is said strictly."""
    headers = response.headers
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("X-Frame-Options", "DENY")
    # Not no-referrer: browsers would then send "Origin: null" with forms.
    headers.setdefault("Referrer-Policy", "same-origin")
    console = path.startswith("/console")
    headers.setdefault("Content-Security-Policy", CONSOLE_POLICY if console else PAGE_POLICY)
    if not path.startswith(("/static/", "/docs/", "/favicon.ico", "/robots.txt")):
        headers.setdefault("Cache-Control", "no-store")
    if config().session.secure:
        headers["Strict-Transport-Security"] = TWO_YEARS
