"""The user at the browser: follows an authorization URL, signs in, allows, comes back."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx

from demo import wire
from tests.support.pages import form_with

MAX_HOPS = 10


def authorize(url: str, *, redirect_uri: str, email: str, password: str) -> dict[str, str]:
    """The parameters that arrive at the redirect URI. Raises: RuntimeError when they never do."""
    with httpx.Client(trust_env=False, timeout=30, headers={"Accept": "text/html"}) as browser:
        wire.sent("GET", url)
        response = browser.get(url)
        for _ in range(MAX_HOPS):
            location = response.headers.get("location", "")
            wire.received(response.status_code, location=location)
            if location:
                target = str(response.url.join(location))
                if target.startswith(f"{redirect_uri}?"):
                    return dict(parse_qsl(urlsplit(target).query))
                wire.sent("GET", target)
                response = browser.get(target)
            elif 'name="password"' in response.text:
                wire.say("      (the sign-in page)")
                response = _submit(
                    browser, response, "password", {"email": email, "password": password}
                )
            elif 'name="session_id"' in response.text:
                wire.say("      (the consent page; the user allows)")
                response = _submit(browser, response, "session_id", {}, button=("action", "allow"))
            else:
                break
    raise RuntimeError(f"the browser was left at {response.url}: {response.status_code}")


def _submit(
    browser: httpx.Client,
    page: httpx.Response,
    field: str,
    values: dict[str, str],
    *,
    button: tuple[str, str] | None = None,
) -> httpx.Response:
    form = form_with(page.text, url=str(page.url), field_name=field)
    body = urlencode(form.submission(button=button, **values)).encode()
    wire.sent("POST", form.action, body=body)
    source = urlsplit(str(page.url))
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Origin": f"{source.scheme}://{source.netloc}",
        "Referer": str(page.url),
    }
    return browser.post(form.action, content=body, headers=headers)
