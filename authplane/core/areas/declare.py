"""How a setting is declared: one call says default, bound, names and meaning."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from authplane.core import env

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Setting:
    """What is known about one field of the configuration besides its value."""

    key: str
    """Its place in the YAML file, dotted."""
    variable: str
    """Its environment variable; empty when it can be set in YAML only."""
    doc: str
    read: Callable[[Any], Any]
    low: int | None
    high: int | None
    choices: tuple[str, ...]
    secret: bool
    empty_is_unset: bool = True

    @property
    def name(self) -> str:
        """What messages call it: the variable where there is one."""
        return self.variable or self.key

    @property
    def bound(self) -> str:
        """The accepted values in words; empty when any will do."""
        if self.choices:
            return ", ".join(choice or '""' for choice in self.choices)
        if self.low is not None and self.high is not None:
            return f"{self.low} to {self.high}"
        if self.low is not None:
            return f"at least {self.low}"
        return ""

    def accept(self, value: Any) -> Any:
        """The typed value of ``value``.

        Raises: BadValue when it cannot be read or lies outside the bound.
        """
        if isinstance(value, str) and "${" in value:
            raise env.BadValue("still holds a literal ${...}: nothing replaced the placeholder")
        typed = self.read(value)
        if not self.empty_is_unset and not str(typed).strip():
            raise env.BadValue("is set and empty; give it a value, or remove it")
        if self.choices and typed not in self.choices:
            raise env.BadValue(f"must be one of: {self.bound}")
        if (self.low is not None and typed < self.low) or (
            self.high is not None and typed > self.high
        ):
            raise env.BadValue(f"must be {self.bound}")
        return typed


def setting(
    key: str,
    default: Any,
    doc: str,
    *,
    read: Callable[[Any], Any] = env.text,
    variable: str | None = None,
    low: int | None = None,
    high: int | None = None,
    choices: tuple[str, ...] = (),
    secret: bool = False,
    empty_is_unset: bool = True,
) -> Any:
    """A dataclass field with everything that loading and the reference page need to know.

    The variable is ``AUTHPLANE_`` and the key in capitals, unless ``variable`` says otherwise.
    Without ``empty_is_unset`` a variable that is set and empty stops the start: whoever set it
    believes in a protection.
    """
    name = "AUTHPLANE_" + key.replace(".", "_").upper() if variable is None else variable
    known = Setting(
        key=key,
        variable=name,
        doc=doc,
        read=read,
        low=low,
        high=high,
        choices=choices,
        secret=secret,
        empty_is_unset=empty_is_unset,
    )
    return field(default=default, metadata={"setting": known}, repr=not secret)
