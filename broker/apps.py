"""The broker app."""

from __future__ import annotations

from django.apps import AppConfig


class BrokerConfig(AppConfig):
    """Upstream providers, connections and the vending of their tokens."""

    name = "broker"
    verbose_name = "Broker"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """The authorization server knows the providers; what is sealed is checked and moved."""
        from authplane.core import clock, rewrap, seeding  # noqa: PLC0415 - needs the loaded settings
        from authplane.core.config import config  # noqa: PLC0415 - as above
        from broker import gauges, jobs, measures  # noqa: PLC0415 - needs the models
        from broker.connect.cleanup import purge_states, watch_removals  # noqa: PLC0415 - as above
        from broker.connections import endings  # noqa: PLC0415 - needs the models
        from broker.connections import seeds as connection_seeds  # noqa: PLC0415 - as above
        from broker.keys import seeds as key_seeds  # noqa: PLC0415 - needs the models
        from broker.providers import seeds  # noqa: PLC0415 - needs the models
        from broker.providers.directory import Directory  # noqa: PLC0415 - needs the models
        from broker.proxies import seeds as proxy_seeds  # noqa: PLC0415 - needs the models
        from broker.proxies.sessions import clean_up  # noqa: PLC0415 - as above
        from broker.servers import seeds as server_seeds  # noqa: PLC0415 - needs the models
        from broker.servers.projects import Projects  # noqa: PLC0415 - as above
        from broker.signin import (  # noqa: PLC0415 - needs the models
            checks as sign_in_checks,  # noqa: F401 - registers itself
        )
        from broker.signin import seeds as sign_in_seeds  # noqa: PLC0415 - as above
        from broker.signin.offers import SignInOffers  # noqa: PLC0415 - as above
        from broker.vault import checks  # noqa: F401, PLC0415 - registers itself
        from broker.vault.rewrap import rewrap_everything  # noqa: PLC0415 - needs the models
        from broker.vending.source import BrokerTokenSource  # noqa: PLC0415 - needs the models
        from oauth import ports  # noqa: PLC0415 - as above
        from oauth.maintenance import jobs as job_list  # noqa: PLC0415 - as above
        from oauth.maintenance import targets  # noqa: PLC0415 - as above

        targets.register("connect-states", lambda: purge_states(clock.now()))
        targets.register("gateway-sessions", lambda: clean_up(clock.now()))
        job_list.register(*jobs.JOBS)
        watch_removals()
        endings.connect()
        measures.connect()
        gauges.connect()
        rewrap.register(self.name, rewrap_everything)
        ports.register_directory(Directory())
        ports.register_source(BrokerTokenSource())
        ports.register_sign_in(SignInOffers())
        ports.register_projects(Projects())
        seeding.register(seeds.NAME, seeds.BROKER_PROVIDERS, seeds.configured_providers)
        seeding.register(
            connection_seeds.NAME,
            connection_seeds.CONNECTIONS,
            lambda: config().seeds.connections,
        )
        seeding.register(
            server_seeds.NAME, server_seeds.MCP_SERVERS, server_seeds.configured_servers
        )
        seeding.register(
            sign_in_seeds.NAME,
            sign_in_seeds.IDENTITY_PROVIDERS,
            sign_in_seeds.configured_providers,
        )
        # Behind the resources, which a proxy may lead to, and behind the proxies the rest.
        seeding.register(
            proxy_seeds.NAME,
            proxy_seeds.OAUTH_PROXIES,
            lambda: config().seeds.oauth_proxies,
            last=True,
        )
        seeding.register(
            key_seeds.GROUPS,
            key_seeds.ACCESS_GROUPS,
            lambda: config().seeds.access_groups,
            last=True,
        )
        seeding.register(
            key_seeds.KEYS, key_seeds.API_KEYS, lambda: config().seeds.api_keys, last=True
        )
