"""The document as text: YAML or JSON, read strictly."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import yaml
from django.http import HttpRequest

from authplane.core.forms import JSON, BadBody, read_body, read_json_object, require_media_type
from authplane.core.openapi.serving import as_yaml
from authplane.core.openapi.system import YAML
from authplane.core.routes import LARGE_BODY

NOT_YAML: Final = "the request body is not valid YAML"
DEEPEST: Final = 32
HEAD: Final = "# The configuration of an authorization server. It holds no secrets.\n"


class _Loader(yaml.CSafeLoader):
    """Builds what JSON can say, and nothing else: no dates, sets, bytes or merged mappings."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        """A mapping; one that names a member twice says two things at once."""
        mapping = super().construct_mapping(node, deep=deep)
        if len(mapping) != len(node.value):
            raise BadBody(400, "the request body names a member twice")
        return mapping


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in known
            if tag not in {"tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:merge"}]
    for first, known in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}  # fmt: skip


def written(document: Mapping[str, Any]) -> str:
    """The document for people and for files; the same document is always the same text."""
    return HEAD + as_yaml(dict(document))


def read_document(request: HttpRequest) -> dict[str, Any]:
    """The body, in YAML or JSON.

    Raises: BadBody.
    """
    if request.content_type != YAML:
        document = read_json_object(request, limit=LARGE_BODY)
    else:
        require_media_type(request, YAML)
        document = parse_yaml(read_body(request, limit=LARGE_BODY))
    _require_plain(document)
    return document


def parse_yaml(content: bytes) -> dict[str, Any]:
    """The one mapping that the text is.

    Aliases are refused: nine lines of them can stand for billions of values.

    Raises: BadBody.
    """
    try:
        text = content.decode()
        depth = 0
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            if isinstance(event, yaml.AliasEvent):
                raise BadBody(400, "the request body must not hold aliases")
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > DEEPEST:
                raise BadBody(400, NOT_YAML)
        document = yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader, narrowed
    except (yaml.YAMLError, ValueError, TypeError, RecursionError, OverflowError):
        raise BadBody(400, NOT_YAML) from None
    if not isinstance(document, dict):
        raise BadBody(400, "the request body must be one mapping")
    return document


def _require_plain(value: Any, *, depth: int = 0) -> None:
    """Nothing but what JSON knows, and texts that any database stores.

    Raises: BadBody.
    """
    wrong = "is nested too deeply" if depth > DEEPEST else _what_is_wrong(value)
    if wrong:
        raise BadBody(400, f"the request body {wrong}")
    inside: list[Any] = []
    if isinstance(value, dict):
        inside = [*value, *value.values()]
    elif isinstance(value, list):
        inside = value
    for one in inside:
        _require_plain(one, depth=depth + 1)


def _what_is_wrong(value: Any) -> str:
    if isinstance(value, dict):
        plain = all(isinstance(name, str) for name in value)
        return "" if plain else "names a member by what is no text: put it in quotes"
    if isinstance(value, str):
        return "holds a text that cannot be stored" if "\0" in value or _is_torn(value) else ""
    if isinstance(value, float) and not math.isfinite(value):
        return "holds a number that is none"
    known = isinstance(value, bool | int | float | list | None)
    return "" if known else "holds a value that JSON does not know"


def _is_torn(text: str) -> bool:
    """Whether it holds one half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


MEDIA: Final = (YAML, JSON)
