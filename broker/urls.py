"""Routes of the public listener about accounts at services of others."""

from __future__ import annotations

from django.urls import URLPattern, path

from broker.connect.callback import callback
from broker.connect.start import connect
from broker.connections.views import connection, connections, disconnect

urlpatterns: list[URLPattern] = [
    path("connect/<slug:provider>", connect, name="connect"),
    path("connect/<slug:provider>/callback", callback, name="connect-callback"),
    path("connections", connections, name="connections"),
    path("connections/<slug:provider>", connection, name="connection"),
    path("connections/<slug:provider>/disconnect", disconnect, name="disconnect"),
]
