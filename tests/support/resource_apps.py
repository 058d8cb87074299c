"""Protected applications in a process of their own: `python -m ... KIND ISSUER PORT`.

They import `authplane.resource` and nothing else of ours.
"""

from __future__ import annotations

import sys
from typing import Any
from wsgiref.simple_server import make_server

from authplane.resource import Protection, ResourceServer

SECRET = b"a secret of this resource server"


def server_for(*, issuer: str, port: int, **settings: Any) -> ResourceServer:
    """The guard of `http://localhost:PORT/api`."""
    return ResourceServer(
        Protection(
            issuer=issuer,
            resource=f"http://localhost:{port}/api",
            scopes=("read",),
            scopes_supported=("read", "write"),
            **settings,
        )
    )


def starlette_app(server: ResourceServer) -> Any:
    """Endpoints that ask for more while they run."""
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    from authplane.resource.asgi import Guard

    async def read(request: Any) -> JSONResponse:
        return JSONResponse({"sub": request.state.token.subject})

    async def write(request: Any) -> JSONResponse:
        request.state.token.require("read", "write")
        return JSONResponse({"written": True})

    async def pay(request: Any) -> JSONResponse:
        request.state.token.require_sign_in(acr_values=("gold", "silver"), max_age=60)
        return JSONResponse({"paid": True})

    routes = [
        Route("/api", read, methods=["GET", "POST"]),
        Route("/api/write", write, methods=["POST"]),
        Route("/api/pay", pay, methods=["POST"]),
        Route("/health", lambda _: JSONResponse({}), methods=["GET"]),
    ]
    return Starlette(
        routes=routes, middleware=[Middleware(Guard, server=server, public=["/health"])]
    )


def django_app(server: ResourceServer) -> Any:
    """The same of another project's Django."""
    from django.conf import settings
    from django.core.wsgi import get_wsgi_application
    from django.http import JsonResponse
    from django.urls import path

    from authplane.resource.for_django import metadata_view, protected
    from authplane.resource.metadata import metadata_path

    settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="x" * 50, USE_TZ=True)

    @protected(server)
    def read(request: Any) -> JsonResponse:
        return JsonResponse({"sub": request.token.subject})

    @protected(server, scopes=("write",))
    def write(request: Any) -> JsonResponse:
        return JsonResponse({"written": True})

    @protected(server, acr_values=("gold", "silver"), max_age=60)
    def pay(request: Any) -> JsonResponse:
        return JsonResponse({"paid": True})

    routes = [
        path("api", read),
        path("api/write", write),
        path("api/pay", pay),
        path("health", lambda _: JsonResponse({})),
        path(metadata_path(server.protection.resource).lstrip("/"), metadata_view(server)),
    ]
    globals()["urlpatterns"] = routes
    return get_wsgi_application()


def main(kind: str, issuer: str, port: int) -> None:
    """Serves until it is stopped."""
    name, _, needs_nonce = kind.partition("+")
    server = server_for(issuer=issuer, port=port, nonce_secret=SECRET if needs_nonce else b"")
    if name == "django":
        sys.modules[__name__] = sys.modules["__main__"]
        make_server("127.0.0.1", port, django_app(server)).serve_forever()
        return
    import uvicorn

    uvicorn.run(starlette_app(server), host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
