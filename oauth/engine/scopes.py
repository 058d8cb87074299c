"""django-oauth-toolkit's question for scopes, answered from the registry of resources."""

from typing import Any

from oauth2_provider.scopes import BaseScopes

from oauth.models import Resource


class RegistryScopes(BaseScopes):
    """Scopes of all registered resources; what a client may have is decided per grant."""

    def get_all_scopes(self) -> dict[str, str]:
        """Name to description, first registration wins."""
        found: dict[str, str] = {}
        for scopes in Resource.objects.order_by("id").values_list("scopes", flat=True):
            for scope in scopes:
                found.setdefault(scope["name"], scope.get("description", ""))
        return found

    def get_available_scopes(self, *_: Any, **__: Any) -> list[str]:
        """Every known scope: ceilings and resources narrow later."""
        return list(self.get_all_scopes())

    def get_default_scopes(self, *_: Any, **__: Any) -> list[str]:
        """None: an omitted scope is resolved against the resource that was named."""
        return []
