"""Read what a form of ours was sent with, or a query that somebody else wrote."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.http import HttpRequest

from authplane.core.forms import BadBody, read_form


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form, each with every value it came with."""

    fields: Mapping[str, tuple[str, ...]]

    def one(self, name: str) -> str:
        """The only value; "" when it is absent or came twice, which no form of ours does."""
        values = self.fields.get(name, ())
        return values[0] if len(values) == 1 else ""

    def all(self, name: str) -> tuple[str, ...]:
        """Every value in order: a list of tick boxes."""
        return self.fields.get(name, ())


def read_query(request: HttpRequest) -> Form:
    """The parameters of a query, to be read like the fields of a form."""
    return Form({name: tuple(values) for name, values in request.GET.lists()})


def read_page_form(request: HttpRequest) -> Form | None:
    """The fields of a posted form; None when the body is not one that a form of ours sends."""
    try:
        pairs = read_form(request)
    except BadBody:
        return None
    fields: dict[str, tuple[str, ...]] = {}
    for name, value in pairs:
        fields[name] = (*fields.get(name, ()), value)
    return Form(fields)
