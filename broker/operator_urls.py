"""Routes of the operator listener for proxy servers."""

from __future__ import annotations

from django.urls import URLPattern, path

from broker.dataplane.views import authz

urlpatterns: list[URLPattern] = [path("proxy/<slug:slug>/authz", authz, name="forward-auth")]
