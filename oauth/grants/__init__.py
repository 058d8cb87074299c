"""The grants this server offers, by their name on the wire."""

from collections.abc import Callable
from typing import Any, Final

from oauth.clients.policy import JWT_BEARER, TOKEN_EXCHANGE
from oauth.grants.authorization_code import AuthorizationCode
from oauth.grants.client_credentials import ClientCredentials
from oauth.grants.jwt_bearer import JwtBearer
from oauth.grants.refresh_token import RefreshToken
from oauth.grants.staged import StagedGrant
from oauth.grants.token_exchange import TokenExchange

GRANTS: Final[dict[str, Callable[[Any], StagedGrant]]] = {
    "authorization_code": AuthorizationCode,
    "refresh_token": RefreshToken,
    "client_credentials": ClientCredentials,
    TOKEN_EXCHANGE: TokenExchange,
    JWT_BEARER: JwtBearer,
}
"""Grant type to class; discovery and registration list the same names."""

__all__ = [
    "GRANTS",
    "AuthorizationCode",
    "ClientCredentials",
    "JwtBearer",
    "RefreshToken",
    "TokenExchange",
]
