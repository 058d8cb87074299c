"""The closed catalogue of what is recorded. The members of a class are those of its detail.

A member with a default is left out of the detail when it is empty. No member holds an e-mail
address, a secret, a code or a token; tokens are named by `jti`, authorizations by `family`.
"""

from __future__ import annotations

from audit.registry import CATALOGUE, Event, event

__all__ = ["CATALOGUE", "Event"]


# --- Tokens -----------------------------------------------------------------------------------


@event("token.issued")
class TokenIssued(Event):
    """An access token was issued for a user."""

    grant: str
    jti: str
    scopes: str
    family: str = ""


@event("token.issue_denied")
class TokenIssueDenied(Event):
    """A code or another grant was refused."""

    reason: str
    grant: str = ""


@event("token.refreshed")
class TokenRefreshed(Event):
    """A refresh token was rotated."""

    family: str
    jti: str
    scopes: str = ""


@event("token.refresh_denied")
class TokenRefreshDenied(Event):
    """A refresh token was refused."""

    reason: str
    family: str = ""


@event("token.revoked")
class TokenRevoked(Event):
    """A token was revoked by its holder, its client or an operator."""

    family: str = ""
    jti: str = ""


@event("issuance.revoked_admin")
class IssuanceRevokedAdmin(Event):
    """An operator ended one access token, and with it what was exchanged from it."""

    id: str
    subject_user_id: str = ""
    resource_id: str = ""


@event("token.introspected")
class TokenIntrospected(Event):
    """A client asked about a token and learned that it is active. `client_id` is the caller."""

    jti: str
    issuing_client: str


@event("token.introspect_denied")
class TokenIntrospectDenied(Event):
    """A client asked about a token and learned nothing."""

    reason: str
    jti: str = ""


@event("client_credentials.issued")
class ClientCredentialsIssued(Event):
    """A machine got a token for itself."""

    jti: str
    scopes: str


@event("client_credentials.denied")
class ClientCredentialsDenied(Event):
    """A machine got no token."""

    reason: str


@event("jwt_bearer.issued")
class JwtBearerIssued(Event):
    """A token was issued for an identity provider's assertion. `idp` is its issuer.

    The actor is the user where the subject has an account, else the client: subjects of identity
    providers are often addresses.
    """

    jti: str
    idp: str
    scopes: str


@event("jwt_bearer.denied")
class JwtBearerDenied(Event):
    """An assertion was refused."""

    reason: str


@event("workload.token_issued")
class WorkloadTokenIssued(Event):
    """A workload got a token as the client that a rule makes it.

    `issuer` vouched for it under the name `workload`.
    """

    jti: str
    scopes: str
    issuer: str
    workload: str


@event("assertion.issued")
class AssertionIssued(Event):
    """A user's identity was asserted to another authorization server, `audience`."""

    jti: str
    audience: str
    scopes: str
    resource: str = ""
    family: str = ""
    parent: str = ""


@event("token.exchanged")
class TokenExchanged(Event):
    """A client exchanged a token. `type` says who made the new one, `via_link` which link led."""

    jti: str
    sub: str
    subject_client: str
    actor_client: str
    type: str
    scopes: str
    resource: str = ""
    chain_kind: str = ""
    via_link: str = ""


@event("token.exchange_denied")
class TokenExchangeDenied(Event):
    """A client was refused an exchange."""

    reason: str


@event("auth_code.reused")
class AuthCodeReused(Event):
    """A code came a second time. Actor and client are those it was issued to."""

    session: str
    verifier: str


@event("family.revoked")
class FamilyRevoked(Event):
    """Everything that descends from one authorization ended."""

    family: str
    cause: str


@event("family.revocation_failed")
class FamilyRevocationFailed(Event):
    """A family outlived a replay because the database failed. `path` is reuse or code_reuse."""

    family: str
    path: str
    half: str


# --- Sign-in and consent ----------------------------------------------------------------------


@event("user.login")
class UserLogin(Event):
    """A person signed in."""


@event("user.login_failed")
class UserLoginFailed(Event):
    """Somebody tried to. The actor is the account they aimed at, when there is one."""

    reason: str


@event("user.oidc_login")
class UserOidcLogin(Event):
    """A person signed in at an identity provider. `is_new`: the account was made just now."""

    provider: str
    is_new: bool


@event("user.oidc_login_failed")
class UserOidcLoginFailed(Event):
    """An identity provider's answer signed nobody in. The actor is the account, when known."""

    provider: str
    reason: str


@event("identity.linked")
class IdentityLinked(Event):
    """A subject of an identity provider is this user from now on."""

    id: str
    provider: str
    user: str


@event("identity.unlinked")
class IdentityUnlinked(Event):
    """A subject of an identity provider is nobody here any more."""

    id: str
    provider: str
    user: str


@event("identity_provider.created")
class IdentityProviderCreated(Event):
    """People may sign in with another identity provider."""

    id: str
    slug: str
    issuer: str


@event("identity_provider.patched")
class IdentityProviderPatched(Event):
    """An identity provider for sign-in changed. `fields` is comma-separated; a secret is named."""

    id: str
    slug: str
    fields: str


@event("identity_provider.deleted")
class IdentityProviderDeleted(Event):
    """An identity provider for sign-in is gone."""

    id: str
    slug: str


@event("auth.locked_out")
class AuthLockedOut(Event):
    """An account is locked for one address after too many wrong passwords."""

    until: str


@event("consent.granted")
class ConsentGranted(Event):
    """A user allowed a client something. `projects` are ids, where the resource asks for some."""

    resource: str
    scopes: str
    projects: str = ""


@event("consent.foreign_project")
class ForeignProjectChosen(Event):
    """A user's form named a project that is not theirs; nothing was allowed.

    `project` is empty when what was named is no id.
    """

    resource: str
    project: str


@event("consent.denied")
class ConsentDenied(Event):
    """A user refused a client. `session` identifies the request, it is no credential."""

    session: str


@event("consent.revoked")
class ConsentRevoked(Event):
    """A user took back what a client had been allowed at a resource, tokens included.

    `revoked_issuances` counts access tokens, exchanged ones at any depth included.
    """

    resource: str
    revoked_issuances: int = 0
    revoked_families: int = 0


@event("consent_grant.revoked_admin")
class ConsentGrantRevokedAdmin(Event):
    """An operator took back what a user had allowed a client, tokens included."""

    id: str
    user_id: str
    resource_id: str
    revoked_issuances: int = 0
    revoked_families: int = 0


# --- Clients ----------------------------------------------------------------------------------


@event("client.registered")
class ClientRegistered(Event):
    """A client registered itself: `dcr`, or `cimd` when its document was first accepted."""

    source: str


@event("client.created_admin")
class ClientCreatedAdmin(Event):
    """An operator made a client."""

    name: str


@event("client.updated")
class ClientUpdated(Event):
    """A client's registration changed. `fields` is comma-separated."""

    fields: str = ""


@event("client.secret_rotated")
class ClientSecretRotated(Event):
    """A client has a new secret."""

    overlap_seconds: int = 0


@event("client.suspended")
class ClientSuspended(Event):
    """A client gets no tokens until it is reactivated."""


@event("client.reactivated")
class ClientReactivated(Event):
    """A suspended client works again."""


@event("client.revoked")
class ClientRevoked(Event):
    """A client gets no tokens ever again."""


@event("client.deleted")
class ClientDeleted(Event):
    """A client is gone: by its own wish, an operator's, or because it lapsed unused."""

    cause: str = ""
    force: bool = False


# --- Users ------------------------------------------------------------------------------------


@event("user.created")
class UserCreated(Event):
    """There is a new account."""

    user: str


@event("user.updated")
class UserUpdated(Event):
    """An account's e-mail, name or password changed."""

    user: str


@event("user.disabled")
class UserDisabled(Event):
    """An account cannot sign in, and its tokens count no longer."""

    user: str


@event("user.enabled")
class UserEnabled(Event):
    """A disabled account works again."""

    user: str


@event("user.deleted")
class UserDeleted(Event):
    """An account is gone with everything that was its own; its tokens count no longer."""

    user: str
    force: bool = False
    revoked_issuances: int = 0
    revoked_families: int = 0


@event("user.force_logout")
class UserForceLogout(Event):
    """An operator ended an account's sessions and tokens.

    `revoked` counts authorizations, `revoked_issuances` the access tokens in force, exchanged ones
    included.
    """

    user: str
    revoked: int
    revoked_issuances: int = 0


# --- Resources, keys, operators ---------------------------------------------------------------


@event("resource.created")
class ResourceCreated(Event):
    """There is a new protected resource."""

    id: str
    slug: str


@event("resource.patched")
class ResourcePatched(Event):
    """A resource changed. `fields` is comma-separated."""

    id: str
    slug: str
    fields: str


@event("resource.deleted")
class ResourceDeleted(Event):
    """A resource is gone, and with it as many fronting links as it was an end of."""

    id: str
    slug: str
    cascaded_links: int = 0


@event("broker_provider.created")
class BrokerProviderCreated(Event):
    """There is a new upstream service."""

    id: str
    slug: str
    protocol: str


@event("broker_provider.patched")
class BrokerProviderPatched(Event):
    """An upstream service changed. `fields` is comma-separated; a secret is only named."""

    id: str
    slug: str
    fields: str


@event("broker_provider.deleted")
class BrokerProviderDeleted(Event):
    """An upstream service is gone."""

    id: str
    slug: str


@event("broker_server.added")
class ServerAdded(Event):
    """A user has a remote MCP server more. `url` is without its query."""

    id: str
    url: str


@event("broker_server.removed")
class ServerRemoved(Event):
    """A remote MCP server of a user is gone, with what was connected there."""

    id: str
    url: str


@event("broker_server.ownership_violated")
class ServerOwnershipViolated(Event):
    """A user asked for a server, or for what is connected, of somebody else. `id` is its id."""

    id: str


@event("broker_grant.created")
class BrokerGrantCreated(Event):
    """A user connected an account at an upstream service, or connected it again."""

    provider: str
    grant_id: str
    version: int


@event("broker_grant.revoked")
class BrokerGrantRevoked(Event):
    """A connection was ended. `reason` says by what."""

    provider: str
    grant_id: str
    reason: str = ""


@event("broker_grant.revoked_admin")
class BrokerGrantRevokedAdmin(Event):
    """An operator ended a user's connection."""

    id: str
    user_id: str
    broker_provider_id: str


@event("broker_connect.state_refused")
class ConnectStateRefused(Event):
    """An answer of an upstream service was not believed.

    `violation` is state_reuse, user_mismatch or integrity_violation.
    """

    kind: str
    state_id: str
    violation: str


@event("broker_grant.reuse_detected")
class BrokerGrantReuseDetected(Event):
    """Nobody knows whether a refresh token was used; the connection was ended. Critical."""

    provider: str
    grant_id: str


@event("api_key.created")
class ApiKeyCreated(Event):
    """There is a new key for proxies; it stands for `user`."""

    id: str
    name: str
    user: str
    group: str


@event("api_key.patched")
class ApiKeyPatched(Event):
    """A key for proxies changed. `fields` is comma-separated."""

    id: str
    name: str
    fields: str


@event("api_key.revoked")
class ApiKeyRevoked(Event):
    """A key for proxies opens nothing any more."""

    id: str
    name: str


@event("api_key.deleted")
class ApiKeyDeleted(Event):
    """A key for proxies is gone."""

    id: str
    name: str


@event("api_key.refused")
class ApiKeyRefused(Event):
    """A key that exists was refused at a proxy. At most once a minute for each reason."""

    id: str
    proxy: str
    reason: str


@event("access_group.created")
class AccessGroupCreated(Event):
    """There is a new group of keys."""

    id: str
    name: str


@event("access_group.patched")
class AccessGroupPatched(Event):
    """A group of keys changed: its name, whether it counts, or which proxies it may use."""

    id: str
    name: str
    fields: str


@event("access_group.deleted")
class AccessGroupDeleted(Event):
    """A group of keys is gone."""

    id: str
    name: str


@event("oauth_proxy.created")
class OAuthProxyCreated(Event):
    """There is a new proxy, an issuer of its own."""

    id: str
    slug: str
    mode: str


@event("oauth_proxy.patched")
class OAuthProxyPatched(Event):
    """A proxy changed. `fields` is comma-separated."""

    id: str
    slug: str
    fields: str


@event("oauth_proxy.deleted")
class OAuthProxyDeleted(Event):
    """A proxy is gone, with its clients and everything they were given."""

    id: str
    slug: str


@event("oauth_proxy.consent_granted")
class ProxyConsentGranted(Event):
    """A user allowed a client of a proxy to use the account behind it."""

    proxy: str
    scopes: str


@event("oauth_proxy.consent_denied")
class ProxyConsentDenied(Event):
    """A user refused a client of a proxy."""

    proxy: str


@event("oauth_proxy.consent_revoked")
class ProxyConsentRevoked(Event):
    """A user took back what a client of a proxy was allowed."""

    proxy: str
    families: int = 0


@event("oauth_proxy.session_revoked")
class GatewaySessionRevoked(Event):
    """The tokens of one authorization at a proxy were ended."""

    proxy: str
    session: str
    subject: str


@event("oauth_proxy.sessions_cleaned")
class GatewaySessionsCleaned(Event):
    """An operator had sessions that ended deleted; `deleted` of them there were."""

    deleted: int


@event("upstream.token.issued")
class UpstreamTokenIssued(Event):
    """A token of an upstream service was given out. `scopes` are the names of the service."""

    provider: str
    resource: str
    scopes: str


@event("fronting_link.created")
class FrontingLinkCreated(Event):
    """Tokens for the source may be exchanged into tokens for the target. `scopes` is the map."""

    source: str
    target: str
    scopes: str


@event("fronting_link.patched")
class FrontingLinkPatched(Event):
    """A link maps other scopes now. `scopes` is the new map."""

    source: str
    target: str
    scopes: str


@event("fronting_link.deleted")
class FrontingLinkDeleted(Event):
    """A link is gone; `reason` says so when one of its resources took it along."""

    source: str
    target: str
    reason: str = ""


@event("resource.policy.exchange.allowed_client.added")
class ExchangeClientAdded(Event):
    """The client may exchange tokens for the resource."""

    slug: str


@event("resource.policy.exchange.allowed_client.removed")
class ExchangeClientRemoved(Event):
    """The client may no longer exchange tokens for the resource."""

    slug: str


@event("resource.policy.runtime.client.added")
class RuntimeClientAdded(Event):
    """The client acts as the resource."""

    slug: str


@event("resource.policy.runtime.client.removed")
class RuntimeClientRemoved(Event):
    """The client no longer acts as the resource."""

    slug: str


@event("resource.policy.connect.allowed_return_url.added")
class ReturnUrlAdded(Event):
    """Users may be sent there after connecting an account for the resource."""

    slug: str
    return_url: str


@event("resource.policy.connect.allowed_return_url.removed")
class ReturnUrlRemoved(Event):
    """Users are no longer sent there after connecting an account for the resource."""

    slug: str
    return_url: str


@event("idp.created")
class IdPCreated(Event):
    """Assertions of an identity provider count from now on, as far as policies allow."""

    id: str
    issuer: str


@event("idp.updated")
class IdPUpdated(Event):
    """An identity provider was renamed, switched on or off. `fields` is comma-separated."""

    id: str
    issuer: str
    fields: str


@event("idp.deleted")
class IdPDeleted(Event):
    """Assertions of an identity provider no longer count; its policies and mappings are gone."""

    id: str
    issuer: str


@event("idp.keys_refreshed")
class IdPKeysRefreshed(Event):
    """An operator had the keys of an identity provider fetched anew."""

    id: str
    issuer: str
    keys: int


@event("xaa_policy.created")
class XAAPolicyCreated(Event):
    """Assertions of an identity provider may obtain more than before."""

    id: str
    idp_id: str


@event("xaa_policy.updated")
class XAAPolicyUpdated(Event):
    """What assertions may obtain changed. `fields` is comma-separated."""

    id: str
    idp_id: str
    fields: str


@event("xaa_policy.deleted")
class XAAPolicyDeleted(Event):
    """A policy for assertions is gone."""

    id: str
    idp_id: str


@event("subject_mapping.created")
class SubjectMappingCreated(Event):
    """A subject of an identity provider is known here; `user` is who it is, if it has an account.

    The subject itself is not recorded: it is often an address.
    """

    id: str
    idp_id: str
    user: str = ""


@event("subject_mapping.deleted")
class SubjectMappingDeleted(Event):
    """A subject of an identity provider is no longer linked."""

    id: str
    idp_id: str


@event("workload_issuer.created")
class WorkloadIssuerCreated(Event):
    """Tokens of a workload issuer count from now on."""

    id: str
    issuer: str


@event("workload_issuer.patched")
class WorkloadIssuerPatched(Event):
    """A workload issuer or its rules changed. `fields` is comma-separated."""

    id: str
    issuer: str
    fields: str


@event("workload_issuer.deleted")
class WorkloadIssuerDeleted(Event):
    """Tokens of a workload issuer no longer count."""

    id: str
    issuer: str


@event("workload_issuer.keys_refreshed")
class WorkloadIssuerKeysRefreshed(Event):
    """An operator had the keys of a workload issuer fetched anew."""

    id: str
    issuer: str
    keys: int


@event("assertion_audience.created")
class AssertionAudienceCreated(Event):
    """Users can be asserted to another authorization server."""

    id: str
    audience: str


@event("assertion_audience.patched")
class AssertionAudiencePatched(Event):
    """What may be asserted to an authorization server changed. `fields` is comma-separated."""

    id: str
    audience: str
    fields: str


@event("assertion_audience.deleted")
class AssertionAudienceDeleted(Event):
    """Nobody is asserted to an authorization server any more."""

    id: str
    audience: str


@event("key.rotated")
class KeyRotated(Event):
    """A signing key was made. `immediate`: it signs at once."""

    kid: str
    alg: str
    immediate: bool


@event("dcr.mode_updated")
class RegistrationModeUpdated(Event):
    """Others may register clients than before."""

    before: str
    after: str


@event("settings.limits_updated")
class LimitsUpdated(Event):
    """Callers may ask for more or less than before. `fields` names what changed, in one order."""

    fields: str
    before: str
    after: str


@event("settings.notices_updated")
class NoticesUpdated(Event):
    """Operators tell each other something else. `notices` are the ids there are now."""

    notices: str


@event("configuration.applied")
class ConfigurationApplied(Event):
    """An operator applied a whole configuration; each change has a row of its own beside this."""

    created: int
    changed: int
    unchanged: int


@event("admin.ui.login")
class OperatorKeyVerified(Event):
    """Somebody asked whether a key of the operator API is good, and it was."""


@event("console.login")
class ConsoleLogin(Event):
    """An operator signed in to the console."""


@event("console.login_failed")
class ConsoleLoginFailed(Event):
    """Somebody tried to. The actor is the account they aimed at, when there is one."""


@event("admin.auth_failed")
class AdminAuthFailed(Event):
    """Somebody called the operator API without the right key."""

    reason: str


# --- The record itself ------------------------------------------------------------------------


@event("audit.key_rotated")
class AuditKeyRotated(Event):
    """Another key signs the checkpoints of the record from now on."""

    kid: str


@event("audit.rows_removed")
class AuditRowsRemoved(Event):
    """Rows of the record were removed after their time; the summaries of their batches stay."""

    first_seal: int
    last_seal: int
    rows: int


@event("audit.personal_erased")
class AuditPersonalErased(Event):
    """What is personal in the rows of a user was emptied."""

    user: str
    rows: int


@event("audit.exported")
class AuditExported(Event):
    """Somebody took a copy of the record, or of a part of it."""

    format: str
    since: str = ""
    until: str = ""


@event("audit.verification_failed")
class AuditVerificationFailed(Event):
    """The record is not what was sealed. `first` is what was found first. Critical."""

    findings: int
    first: str


@event("admin.access_denied")
class AdminAccessDenied(Event):
    """An administrator called a route that neither role nor key reaches."""

    operation: str
    needed: str
    role: str


@event("admin_key.created")
class AdminKeyCreated(Event):
    """An administrator's key was made. `allowed` is comma-separated; absent: what `role` may."""

    id: str
    name: str
    role: str
    allowed: str = ""


@event("admin_key.revoked")
class AdminKeyRevoked(Event):
    """An administrator's key opens nothing any more."""

    id: str
    name: str


@event("staff.role_granted")
class StaffRoleGranted(Event):
    """A user may do what `role` says in the operator console; `before` is the role until then."""

    user: str
    role: str
    before: str = ""


@event("staff.role_revoked")
class StaffRoleRevoked(Event):
    """A user is no staff any more."""

    user: str
    role: str


# --- Approval of clients that nobody here made ------------------------------------------------


@event("client.approval_requested")
class ClientApprovalRequested(Event):
    """A client waits for administrators: it is new, it changed, or somebody asks again."""

    id: str
    cause: str
    needed: int


@event("client.approval_given")
class ClientApprovalGiven(Event):
    """An administrator agrees; `given` of `needed` have."""

    id: str
    given: int
    needed: int


@event("client.approved")
class ClientApproved(Event):
    """As many administrators as were needed have agreed: the client works."""

    id: str
    needed: int


@event("client.rejected")
class ClientRejected(Event):
    """An administrator refused a client for good."""

    id: str
    reason: str = ""


@event("approvals.settings_updated")
class ApprovalSettingsUpdated(Event):
    """How many administrators have to agree to which clients."""

    dcr: int
    cimd: int
    modes: str
