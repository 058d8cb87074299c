"""The authorization server."""

from django.apps import AppConfig


class OAuthConfig(AppConfig):
    """App of the authorization server; holds all six models that django-oauth-toolkit swaps."""

    name = "oauth"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Authorization server"

    def ready(self) -> None:
        """Receivers listen, checks are registered, and the metrics know where to read."""
        from oauth import gauges  # noqa: PLC0415 - needs the loaded models
        from oauth.keys import checks  # noqa: F401, PLC0415 - registers itself
        from oauth.resources import upkeep  # noqa: PLC0415 - as above

        upkeep.connect(self)
        gauges.connect()
