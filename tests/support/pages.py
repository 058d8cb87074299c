"""Reads the forms of a page the way a browser without JavaScript does."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin


@dataclass(slots=True)
class Form:
    """One form: where it goes, what it would send, and the boxes and buttons on it."""

    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    boxes: list[tuple[str, str, bool]] = field(default_factory=list)
    buttons: list[tuple[str, str]] = field(default_factory=list)

    def value(self, name: str) -> str:
        """The first value that the form carries under this name.

        Raises: KeyError when there is none.
        """
        for key, value in self.fields:
            if key == name:
                return value
        raise KeyError(name)

    def submission(
        self,
        *,
        button: tuple[str, str] | None = None,
        ticked: set[str] | None = None,
        **values: str,
    ) -> list[tuple[str, str]]:
        """What a browser sends: fields with `values` put in, ticked boxes, the pressed button.

        `ticked` names the values of the boxes that end up ticked; None leaves them as shown.
        """
        pairs = [(name, values.pop(name, value)) for name, value in self.fields]
        pairs += list(values.items())
        pairs += [
            (name, value)
            for name, value, shown in self.boxes
            if (shown if ticked is None else value in ticked)
        ]
        if button:
            pairs.append(button)
        return pairs


class _Forms(HTMLParser):
    """Collects forms; fields outside of any form are ignored, as a browser ignores them."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._open: Form | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        at = {name: value if value is not None else "" for name, value in attrs}
        if tag == "form":
            self._open = Form(action=at.get("action", ""), method=at.get("method", "get").lower())
            self.forms.append(self._open)
        if self._open is None or "disabled" in at or not at.get("name"):
            return
        name, value = at["name"], at.get("value", "")
        kind = at.get("type", "submit" if tag == "button" else "text").lower()
        if tag == "button" or (tag == "input" and kind == "submit"):
            self._open.buttons.append((name, value))
        elif tag == "input" and kind in {"checkbox", "radio"}:
            self._open.boxes.append((name, value or "on", "checked" in at))
        elif tag in {"input", "textarea"}:
            self._open.fields.append((name, value))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None


def forms_of(html: str, *, url: str) -> list[Form]:
    """The page's forms, their actions made absolute."""
    parser = _Forms()
    parser.feed(html)
    for form in parser.forms:
        form.action = urljoin(url, form.action or url)
    return parser.forms


def form_with(html: str, *, url: str, field_name: str) -> Form:
    """The first form that has this field, box or button.

    Raises: AssertionError naming what is there instead.
    """
    found = forms_of(html, url=url)
    for form in found:
        names = {n for n, _ in form.fields} | {n for n, _, _ in form.boxes}
        if field_name in names | {n for n, _ in form.buttons}:
            return form
    raise AssertionError(
        f"no form with {field_name!r} at {url}; forms: {found}; page: {html[:600]}"
    )
