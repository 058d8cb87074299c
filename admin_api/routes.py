"""What every route has in common."""

from __future__ import annotations

from typing import Any, ClassVar, Final, TypeVar

from django.http.response import HttpResponseBase
from rest_framework.permissions import BasePermission
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.serializers import BaseSerializer
from rest_framework.viewsets import ViewSet

from admin_api.administrators.operator import Operator
from admin_api.authentication import OperatorKey
from admin_api.exceptions import Invalid, answer
from admin_api.idempotency import answered_once
from admin_api.operations import described
from admin_api.pagination import Page
from admin_api.permissions import ReachesFarEnough
from admin_api.preconditions import Versioned, on_condition, tag_of
from authplane.core.forms import JSON, read_json_object
from authplane.core.routes import LARGE_BODY

SMALL_BODY: Final = 16 * 1024
MOST_LISTS: Final = 100
"""How many entries a list answers with unless it is asked for another number."""
MAX_PARAMETER: Final = 512
_CHANGING: Final = frozenset({"PUT", "PATCH", "DELETE"})
_OK: Final = 200

S = TypeVar("S", bound=BaseSerializer[Any])


class OperatorRoutes(ViewSet):
    """Routes behind the operator key. They answer in JSON, whatever is asked for."""

    authentication_classes: ClassVar[list[type[OperatorKey]]] = [OperatorKey]  # type: ignore[misc]
    permission_classes: ClassVar[list[type[BasePermission]]] = [ReachesFarEnough]  # type: ignore[misc]
    throttle_classes: ClassVar[list[Any]] = []  # type: ignore[misc]
    http_method_names: ClassVar[list[str]] = ["get", "head", "post", "patch", "delete"]  # type: ignore[misc]
    versioned: ClassVar[Versioned | None] = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Who may not is refused here; what was done already is only answered again.

        What was changed since it was read is left alone, where the caller says what they read.
        """
        super().initial(request, *args, **kwargs)
        self.tag = ""
        if self.action not in self.action_map.values():
            return  # A method that the route does not offer is refused next.
        rows = self.versioned.rows(kwargs) if self.versioned is not None else None
        if rows is not None and request.method == "GET":
            # Before the answer is made: an older tag than the body's costs a second look at most.
            self.tag = tag_of(rows)
        elif rows is not None and request.method in _CHANGING:
            name = request.method.lower()
            setattr(self, name, on_condition(request, getattr(self, name), rows))
        if request.method == "POST":
            known = described(getattr(type(self), self.action))
            self.post = answered_once(
                request,
                self.post,  # type: ignore[has-type]
                caller=self.actor(request),
                calls_out=known is not None and known.calls_out,
            )

    def finalize_response(  # type: ignore[override]
        self, request: Request, response: HttpResponseBase, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        """The answer, with the tag of the row it shows."""
        answered: HttpResponseBase = super().finalize_response(
            request,
            response,  # type: ignore[arg-type]
            *args,
            **kwargs,
        )
        if getattr(self, "tag", "") and answered.status_code == _OK:
            answered.headers["ETag"] = self.tag
        return answered

    def get_exception_handler(self) -> Any:
        """Our error body."""
        return answer

    def perform_content_negotiation(
        self,
        request: Request,  # noqa: ARG002 - DRF's signature
        force: bool = False,  # noqa: ARG002 - as above
    ) -> tuple[BaseRenderer, str]:
        """JSON, whatever is asked for."""
        return JSONRenderer(), JSON

    def actor(self, request: Request) -> str:
        """Who the record says it was."""
        operator: Operator = request.user  # type: ignore[assignment]
        return operator.actor_id

    def body(self, request: Request, *, limit: int = LARGE_BODY) -> dict[str, Any]:
        """The JSON object of the request.

        Raises: BadBody.
        """
        return read_json_object(request._request, limit=limit)  # noqa: SLF001 - DRF keeps it there

    def page(self, request: Request, *filters: str) -> Page:
        """The page that is asked for by a query that holds nothing else than the ``filters``.

        Raises: Invalid.
        """
        known_parameters(request, *filters)
        return Page.of(request, default=MOST_LISTS, is_strict=True)

    def read(
        self, request: Request, reader: type[S], *, limit: int = LARGE_BODY, **options: Any
    ) -> S:
        """The body, checked; every problem is told at once.

        Raises: ValidationError, BadBody.
        """
        checked = reader(data=self.body(request, limit=limit), **options)
        checked.is_valid(raise_exception=True)
        return checked


def flag(request: Request, name: str) -> bool:
    """The query's one parameter, `true` or `false`; absent means false.

    Anything else is refused: a misspelt `dry_run` must not change anything.

    Raises: Invalid.
    """
    values = request.GET.getlist(name)
    if set(request.GET) - {name} or len(values) > 1 or not {"true", "false"}.issuperset(values):
        raise Invalid(f"the query may hold {name}, which is true or false")
    return values == ["true"]


def known_parameters(request: Request, *names: str) -> None:
    """The query names nothing that this route does not read: a misspelt filter filters nothing.

    Raises: Invalid.
    """
    unknown = set(request.GET) - {"limit", "offset", "cursor", *names}
    if unknown:
        raise Invalid(f"the query may hold: {', '.join(['limit', 'offset', 'cursor', *names])}")
    if any(len(request.GET.getlist(name)) > 1 for name in request.GET):
        raise Invalid("the query names a parameter twice")
