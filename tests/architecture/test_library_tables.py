"""The OAuth library's migrations are left out, which is right as long as it has no tables here."""

from __future__ import annotations

from django.apps import apps
from django.conf import settings


def test_every_model_of_the_oauth_library_is_swapped_for_one_of_ours():
    models = apps.get_app_config("oauth2_provider").get_models(include_swapped=True)

    assert settings.MIGRATION_MODULES == {"oauth2_provider": None}
    assert {model.__name__ for model in models} == {
        "Application", "Grant", "AccessToken", "RefreshToken", "IDToken", "DeviceGrant",
    }  # fmt: skip
    for model in apps.get_app_config("oauth2_provider").get_models(include_swapped=True):
        assert model._meta.swapped, f"{model.__name__} would need a table"
