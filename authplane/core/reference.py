"""The configuration reference, written from the declarations that the server itself reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from authplane.core import env, reserved
from authplane.core.areas.levels import sign_in_levels
from authplane.core.loading import area_types, declared

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from authplane.core.areas.declare import Setting

INTRODUCTION = """\
# Configuration

Every setting can be given as an environment variable or in a YAML file, which `--config FILE` or
`AUTHPLANE_CONFIG` names. The environment wins over the file. A secret can also be read from a file:
`<VARIABLE>_FILE` holds its path. Durations are written as in `90s`, `15m`, `1h30m` or `30d`; lists
are separated by commas. Whatever is wrong with the configuration is reported at once, as a numbered
list, and the server does not start.

Secrets marked as required may be missing only while the issuer is localhost. To replace one, move
its value to the variable that ends in `_OLD` and set a new value: what was signed, hashed or sealed
with the old one keeps working until you remove it.
"""

KINDS: dict[Callable[[Any], Any], str] = {
    env.boolean: "true or false",
    env.duration: "duration",
    env.integer: "number",
    env.text_list: "list",
    sign_in_levels: "list",
    env.rows: "list of mappings (YAML)",
    env.secret: "secret",
    env.text: "text",
}

UNITS = ((86400, "d"), (3600, "h"), (60, "m"))


def configuration_reference() -> str:
    """The whole page in Markdown."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield INTRODUCTION
    for area, kind in area_types().items():
        yield f"## {area}"
        yield ""
        yield " ".join((kind.__doc__ or "").split())
        yield ""
        yield "| Variable | YAML key | Default | Accepts | Meaning |"
        yield "|---|---|---|---|---|"
        for owner, member, known in declared():
            if owner == area:
                yield _row(known, member.default)
        yield ""
    yield "## Names of features that are not there"
    yield ""
    yield (
        "These names belong to features this build does not have. Setting one stops the start,"
        " because a setting that is silently ignored looks like a protection. A feature may be"
        " declared off (`..._ENABLED=false`)."
    )
    yield ""
    yield "| Names that begin with | Feature |"
    yield "|---|---|"
    for prefix, feature in sorted(reserved.ABSENT_FEATURES.items()):
        yield f"| `{prefix}` | {feature} |"
    yield ""
    yield "## Names with one possible value"
    yield ""
    yield "| Variable | Why |"
    yield "|---|---|"
    for name, (_, reason) in sorted(reserved.FIXED.items()):
        yield f"| `{name}` | {reason} |"
    yield ""


def _row(known: Setting, default: Any) -> str:
    variable = f"`{known.variable}`" if known.variable else "-"
    if known.secret:
        variable += f"<br>`{known.variable}_FILE`"
    cells = (
        variable,
        f"`{known.key}`",
        _default(known, default),
        _accepts(known),
        known.doc.replace("|", "\\|"),
    )
    return f"| {' | '.join(cells)} |"


def _default(known: Setting, default: Any) -> str:
    if default in ("", ()):
        return "-"
    if known.read is env.duration:
        return f"`{in_words(default)}`"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, tuple):
        return f"`{','.join(default)}`"
    return f"`{default}`"


def _accepts(known: Setting) -> str:
    if known.choices:
        return ", ".join(f"`{choice}`" for choice in known.choices)
    kind = KINDS[known.read]
    if known.low is None:
        return kind
    show = in_words if known.read is env.duration else str
    if known.high is None:
        return f"{kind}, at least {show(known.low)}"
    return f"{kind}, {show(known.low)} to {show(known.high)}"


def in_words(seconds: int) -> str:
    """Seconds as the largest unit that divides them: ``900`` is ``15m``."""
    for size, unit in UNITS:
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
