"""The issuer as the world sees it: name, certificate, documents, listeners, proxies, clock."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import urlsplit

from admin_api.doctor.findings import Finding, fine, suspicious, unknown, wrong
from admin_api.doctor.scene import Scene, cause_of
from authplane.core import arrival, clock
from authplane.core.addresses import is_public
from authplane.core.config import config, is_local
from authplane.core.fetch import Fetched, FetchFailed, FetchRefused
from authplane.core.pinned import resolve
from oauth.keys.jwks import key_document
from oauth.keys.record import KeyUnavailable
from oauth.metadata.published import server_metadata

FORGED: Final = "192.0.2.66"
"""An address for documentation (RFC 5737), which no caller can have."""

DAY: Final = 86400
DAYS_WRONG, DAYS_SUSPICIOUS = 7, 21
CLOCK_SUSPICIOUS, CLOCK_WRONG = 5.0, 30.0
OPERATORS_PATHS: Final = ("/admin/clients", "/console/", "/metrics")
NOT_FOUND: Final = 404


def metadata(scene: Scene) -> Iterator[Finding]:
    """The issuer answers, and with the very document that this process would."""
    answer, failed = _ask(scene, scene.metadata_path())
    if answer is None:
        yield wrong(
            f"{scene.issuer} cannot be reached from here: {failed}",
            "Start the public listener, and check AUTHPLANE_SERVER_ISSUER, DNS, TLS and the proxy "
            "in front. If only this machine cannot reach it, run doctor where clients are.",
        )
        return
    if answer.status != 200:  # noqa: PLR2004 - HTTP
        yield wrong(
            f"{scene.metadata_path()} answers {answer.status}",
            "The proxy must pass /.well-known/ to the public listener unchanged, path included.",
        )
        return
    ours = server_metadata().body
    if answer.body == ours:
        yield fine("the issuer answers, and its metadata are those of this process")
        return
    differing = _differing(answer.json, json.loads(ours))
    yield wrong(
        f"the metadata at {scene.issuer} are not those of this process: {differing}",
        "Another deployment, another version or another configuration answers there, or something "
        "in between rewrites it. Restart all processes with the same configuration.",
    )


def key_set(scene: Scene) -> Iterator[Finding]:
    """The keys that verifiers fetch are those that sign here."""
    path = urlsplit(json.loads(server_metadata().body)["jwks_uri"]).path
    answer, failed = _ask(scene, path)
    if answer is None:
        yield unknown(f"the key document was not fetched: {failed}")
        return
    try:
        ours = json.loads(key_document()[0])
    except KeyUnavailable as error:
        yield unknown(f"the keys here cannot be read: {error}")
        return
    if answer.status == 200 and _kids(answer.json) == _kids(ours):  # noqa: PLR2004 - HTTP
        yield fine(f"{len(_kids(ours))} key(s) published, the same as here")
        return
    yield wrong(
        "the issuer publishes other keys than those here: tokens will not verify",
        "Point all processes at the same database (or key files), and let no cache keep "
        f"{path} longer than its Cache-Control says.",
    )


def certificate(scene: Scene) -> Iterator[Finding]:
    """The certificate is accepted, and for a while yet."""
    if not scene.is_secure:
        yield unknown("the issuer is http, on this machine alone")
        return
    answer, failed = _ask(scene, scene.metadata_path(), certificate=True)
    if answer is None or answer.certificate_ends is None:
        yield wrong(
            f"no TLS connection to {scene.host}: {failed}",
            "Install a certificate for this host with its whole chain. For an authority of your "
            "own, name its file in SSL_CERT_FILE.",
        )
        return
    days = int((answer.certificate_ends - time.time()) // DAY)
    if days >= DAYS_SUSPICIOUS:
        yield fine(f"the certificate is accepted and good for {days} days")
        return
    finding = wrong if days < DAYS_WRONG else suspicious
    yield finding(f"the certificate ends in {days} days", "Renew it, and find out why nobody did.")


def name(scene: Scene) -> Iterator[Finding]:
    """The issuer's host has addresses, all of one kind."""
    try:
        found = resolve(scene.host, scene.port, deadline=time.monotonic() + scene.timeout)
    except FetchFailed as error:
        yield wrong(f"{scene.host}: {error.reason}", "Publish an A or AAAA record for it.")
        return
    kinds = "/".join(
        kind for kind, has in (("A", any(":" not in one for one in found)),
                               ("AAAA", any(":" in one for one in found))) if has
    )  # fmt: skip
    private = [one for one in found if not is_public(one)]
    told = f"{scene.host} has {len(found)} address(es) ({kinds})"
    if private and len(private) < len(found):
        yield wrong(
            f"{told}, of which {', '.join(private)} cannot be reached from the internet",
            "Clients pick any of them: remove the private ones from public DNS.",
        )
    elif private and not is_local():
        yield suspicious(
            f"{told}, all of them private as seen from here",
            "Fine inside one network. Clients and providers elsewhere cannot reach it.",
        )
    else:
        yield fine(told)


def date(scene: Scene) -> Iterator[Finding]:
    """The clock behind the issuer is ours, as far as its Date header tells."""
    answer, failed = _ask(scene, scene.metadata_path())
    if answer is None:
        yield unknown(f"the issuer's clock was not seen: {failed}")
        return
    try:
        told = parsedate_to_datetime(answer.headers.get("date", ""))
        offset = (told - clock.now()).total_seconds()
    except (ValueError, TypeError):
        yield unknown("the issuer's answer has no Date")
        return
    yield drift("the issuer's clock", offset)


def drift(whose: str, offset: float) -> Finding:
    """What an offset in seconds between two clocks means."""
    told = f"{whose} and this process's differ by {abs(offset):.1f} s"
    advice = "Run NTP on every machine: tokens, proofs and codes are judged by their seconds."
    if abs(offset) >= CLOCK_WRONG:
        return wrong(told, advice)
    return suspicious(told, advice) if abs(offset) >= CLOCK_SUSPICIOUS else fine(told)


def listeners(scene: Scene) -> Iterator[Finding]:
    """No route of operators is served at the public address."""
    seen = {}
    for path in OPERATORS_PATHS:
        answer, failed = _ask(scene, path)
        if answer is None:
            yield unknown(f"{path} was not asked for: {failed}")
            return
        if answer.status != NOT_FOUND:
            seen[path] = answer.status
    if not seen:
        yield fine("no route of operators at the public address")
        return
    told = ", ".join(f"{path} ({status})" for path, status in seen.items())
    yield wrong(
        f"routes of operators answer at the public address: {told}",
        "Send the public name to the public listener alone (AUTHPLANE_SERVER_ADDRESS), and reach "
        "the operator listener (AUTHPLANE_ADMIN_ADDRESS) over a private network.",
    )


def proxies(scene: Scene) -> Iterator[Finding]:
    """The address that limits and the record go by is the caller's own, and cannot be made up."""
    probe = arrival.new_probe()
    headers = {arrival.HEADER: probe, "X-Forwarded-For": FORGED}
    answer, failed = _ask(scene, arrival.PATH, headers=headers)
    if answer is None or answer.status != 200 or not isinstance(answer.json, dict):  # noqa: PLR2004
        yield unknown(f"not told how requests arrive: {failed or 'the probe was not accepted'}")
        return
    yield judge_arrival(answer.json)


def judge_arrival(told: dict[str, Any]) -> Finding:
    """What the addresses say that arrived with our forged one in front."""
    entries, trusted = list(told["forwarded_for"]), int(told["trusted_proxies"])
    # A proxy that appends leaves ours in front; one that replaces the header drops it.
    real = len(entries) - 1 if entries[:1] == [FORGED] else len(entries)
    setting = "AUTHPLANE_SERVER_TRUSTED_PROXIES"
    if told["address"] == FORGED:
        return wrong(
            f"callers can choose their own address: {trusted} proxies are trusted, {real} add to "
            "X-Forwarded-For",
            f"Set {setting}={real}. Until then limits and lockouts can be evaded.",
        )
    if trusted < real:
        return suspicious(
            f"{real} proxies add to X-Forwarded-For and {trusted} are trusted: everybody behind "
            "them counts as one caller",
            f"Set {setting}={real} if all of them are yours.",
        )
    if trusted > real:
        return suspicious(
            f"{trusted} proxies are trusted, and {real} were passed on the way from here",
            f"If every caller comes this way, set {setting}={real}; else run doctor from outside.",
        )
    return fine(
        f"{real} proxies pass requests on, and as many are trusted; a forged address is not"
    )


def _ask(scene: Scene, path: str, **options: Any) -> tuple[Fetched | None, str]:
    """The answer, or why there is none."""
    try:
        return scene.ask(path, **options), ""
    except (FetchFailed, FetchRefused) as error:
        return None, cause_of(error)


def _differing(theirs: Any, ours: dict[str, Any]) -> str:
    if not isinstance(theirs, dict):
        return "what answers there is no JSON object"
    names = sorted(name for name in {*theirs, *ours} if theirs.get(name) != ours.get(name))
    known = [name for name in names if name in ours]
    if not names:
        return "the same members, written otherwise"
    more = len(names) - len(known)
    return ", ".join(known) + (f" and {more} more members" if more else "")


def _kids(document: Any) -> set[str]:
    keys = document.get("keys", []) if isinstance(document, dict) else []
    return {str(key.get("kid")) for key in keys if isinstance(key, dict)}


def issuer_setting(scene: Scene) -> Iterator[Finding]:
    """The issuer is one that others can use."""
    if is_local():
        yield suspicious(
            f"the issuer is {scene.issuer}: this machine alone",
            "For anything but a trial set AUTHPLANE_SERVER_ISSUER to the https URL of this server.",
        )
    else:
        yield fine(f"the issuer is {config().server.issuer}")
