"""Providers and presets as operators see them, wherever they look."""

from __future__ import annotations

from typing import Any

from broker.models import BrokerProvider
from broker.providers.presets import PRESETS


def shown_provider(row: BrokerProvider) -> dict[str, Any]:
    """The members of a provider. Of a stored secret only that there is one."""
    return {
        "id": str(row.pk),
        "number": row.number,
        "slug": row.slug,
        "display_name": row.display_name,
        "protocol": row.protocol,
        "preset": row.preset,
        "config_data": row.config_data,
        "has_secret": row.secret_sealed is not None,
        "enabled": row.enabled,
        "version": row.version,
    }


def shown_presets() -> list[dict[str, Any]]:
    """What each preset fills in, what it still needs, and what is worth knowing about it."""
    return [
        {
            "name": name,
            "display_name": preset.title,
            "protocol": BrokerProvider.Protocol.OAUTH.value,
            "config_data": preset.defaults,
            "needs": ["client_id", *(place for place in preset.needs)],
            "sample_scopes": list(preset.sample_scopes),
            "remarks": list(preset.remarks),
        }
        for name, preset in PRESETS.items()
    ]
