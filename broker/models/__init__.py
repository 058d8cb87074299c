"""Tables of the broker: where users' upstream accounts live and what is kept of them."""

from broker.models.apikey import AccessGroup, ApiKey, GroupProxyAccess
from broker.models.connection import Connection
from broker.models.identity import FederatedIdentity, IdentityProvider
from broker.models.provider import BrokerProvider, ProviderConfig
from broker.models.proxy import GatewaySession, OAuthProxy, ProxyConsent
from broker.models.server import Profile, Project, UpstreamConfig, UpstreamServer
from broker.models.state import ConnectState

__all__ = [
    "AccessGroup",
    "ApiKey",
    "BrokerProvider",
    "ConnectState",
    "Connection",
    "FederatedIdentity",
    "GatewaySession",
    "GroupProxyAccess",
    "IdentityProvider",
    "OAuthProxy",
    "Profile",
    "Project",
    "ProviderConfig",
    "ProxyConsent",
    "UpstreamConfig",
    "UpstreamServer",
]
