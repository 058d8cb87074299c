"""Tables of the authorization server. The six models that django-oauth-toolkit swaps live here."""

from oauth.models.approval import ApprovalVote, ClientApproval
from oauth.models.authorization import AuthorizationCode, AuthorizationRequest
from oauth.models.client import Client
from oauth.models.consent import ConsentGrant
from oauth.models.document import FetchedDocument
from oauth.models.federation import (
    AssertionAudience,
    SubjectMapping,
    TrustedIdP,
    WorkloadIssuer,
    XAAPolicy,
)
from oauth.models.fronting import FrontingLink
from oauth.models.key import SigningKey
from oauth.models.pushed import PushedRequest
from oauth.models.resource import Resource
from oauth.models.tokens import AccessToken, RefreshToken, TokenFamily
from oauth.models.unused import DeviceGrant, IDToken

__all__ = [
    "AccessToken",
    "ApprovalVote",
    "AssertionAudience",
    "AuthorizationCode",
    "AuthorizationRequest",
    "Client",
    "ClientApproval",
    "ConsentGrant",
    "DeviceGrant",
    "FetchedDocument",
    "FrontingLink",
    "IDToken",
    "PushedRequest",
    "RefreshToken",
    "Resource",
    "SigningKey",
    "SubjectMapping",
    "TokenFamily",
    "TrustedIdP",
    "WorkloadIssuer",
    "XAAPolicy",
]
