"""Refusals: a private reason for the log, a public code for the wire, joined by one table.

The table is also the error reference: `docs/reference/errors.md` and `/docs/errors` are made
from it. Descriptions are constant ASCII; no input is ever echoed (RFC 6749 section 5.2).
"""

from enum import StrEnum
from typing import Any, Final, NamedTuple

from oauthlib.oauth2.rfc6749.errors import OAuth2Error


class Wire(NamedTuple):
    """What the caller learns: error code, HTTP status, constant description."""

    error: str
    status: int
    description: str


class Reason(StrEnum):
    """Why a request was refused. Private: it reaches the log and the audit record only."""

    BODY_UNREADABLE = "body_unreadable"
    BODY_TOO_LARGE = "body_too_large"
    BODY_MEDIA_TYPE = "body_media_type"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    PARAMETER_DUPLICATED = "parameter_duplicated"
    PARAMETER_MALFORMED = "parameter_malformed"
    GRANT_TYPE_MISSING = "grant_type_missing"
    GRANT_TYPE_UNKNOWN = "grant_type_unknown"
    GRANT_TYPE_DISABLED = "grant_type_disabled"
    GRANT_TYPE_NOT_ALLOWED = "grant_type_not_allowed"
    CLIENT_UNKNOWN = "client_unknown"
    CLIENT_ID_MISSING = "client_id_missing"
    CLIENT_INACTIVE = "client_inactive"
    CLIENT_PENDING = "client_pending"
    CLIENT_METHODS_MIXED = "client_methods_mixed"
    CLIENT_METHOD_WRONG = "client_method_wrong"
    CLIENT_SECRET_WRONG = "client_secret_wrong"  # noqa: S105 - a name
    CLIENT_BASIC_MALFORMED = "client_basic_malformed"
    CLIENT_ASSERTION_INVALID = "client_assertion_invalid"
    CLIENT_ASSERTION_REPLAYED = "client_assertion_replayed"
    CLIENT_CERTIFICATE_MISSING = "client_certificate_missing"
    CLIENT_CERTIFICATE_WRONG = "client_certificate_wrong"
    CLIENT_PUBLIC = "client_public"
    CERTIFICATE_UNREADABLE = "certificate_unreadable"
    CERTIFICATE_REQUIRED = "certificate_required"
    CODE_MISSING = "code_missing"
    CODE_UNKNOWN = "code_unknown"
    CODE_EXPIRED = "code_expired"
    CODE_REPLAYED = "code_replayed"
    CODE_REVOKED = "code_revoked"
    CODE_OTHER_CLIENT = "code_other_client"
    CODE_REDIRECT_MISMATCH = "code_redirect_mismatch"
    VERIFIER_MISSING = "verifier_missing"
    VERIFIER_MALFORMED = "verifier_malformed"
    VERIFIER_MISMATCH = "verifier_mismatch"
    CHALLENGE_MISSING = "challenge_missing"
    CHALLENGE_METHOD = "challenge_method"
    USER_INACTIVE = "user_inactive"
    REFRESH_MISSING = "refresh_missing"
    REFRESH_UNKNOWN = "refresh_unknown"
    REFRESH_EXPIRED = "refresh_expired"
    REFRESH_OTHER_CLIENT = "refresh_other_client"
    REFRESH_REUSED = "refresh_reused"
    REFRESH_REPLAY_DIFFERS = "refresh_replay_differs"
    FAMILY_REVOKED = "family_revoked"
    FAMILY_EXPIRED = "family_expired"
    SCOPE_MALFORMED = "scope_malformed"
    SCOPE_UNKNOWN = "scope_unknown"
    SCOPE_BEYOND_CEILING = "scope_beyond_ceiling"
    SCOPE_BEYOND_GRANT = "scope_beyond_grant"
    SCOPE_EMPTY = "scope_empty"
    SCOPE_REQUIRED = "scope_required"
    SCOPE_NO_CEILING = "scope_no_ceiling"
    RESOURCE_UNKNOWN = "resource_unknown"
    RESOURCE_MISMATCH = "resource_mismatch"
    RESOURCE_SEVERAL = "resource_several"
    RESOURCE_GRANT_REFUSED = "resource_grant_refused"
    RESOURCE_DPOP_REQUIRED = "resource_dpop_required"
    DPOP_SEVERAL = "dpop_several"
    DPOP_MALFORMED = "dpop_malformed"
    DPOP_CLAIM_MISSING = "dpop_claim_missing"
    DPOP_TYPE = "dpop_type"
    DPOP_ALGORITHM = "dpop_algorithm"
    DPOP_SIGNATURE = "dpop_signature"
    DPOP_KEY_MISSING = "dpop_key_missing"
    DPOP_KEY_PRIVATE = "dpop_key_private"
    DPOP_KEY_UNFIT = "dpop_key_unfit"
    DPOP_KEY_MISMATCH = "dpop_key_mismatch"
    DPOP_KEY_NOT_NAMED = "dpop_key_not_named"
    DPOP_METHOD = "dpop_method"
    DPOP_ADDRESS = "dpop_address"
    DPOP_NONCE_MISSING = "dpop_nonce_missing"
    DPOP_NONCE_STALE = "dpop_nonce_stale"
    DPOP_TIME = "dpop_time"
    DPOP_TOKEN_HASH = "dpop_token_hash"  # noqa: S105 - a name
    DPOP_REPLAYED = "dpop_replayed"
    DPOP_REQUIRED = "dpop_required"
    RESOURCE_DPOP_OFF = "resource_dpop_off"
    REQUESTED_TOKEN_TYPE = "requested_token_type"  # noqa: S105 - a name
    SUBJECT_TOKEN_MISSING = "subject_token_missing"  # noqa: S105 - a name
    SUBJECT_TOKEN_TYPE = "subject_token_type"  # noqa: S105 - a name
    SUBJECT_TOKEN_INVALID = "invalid_subject_token"  # noqa: S105 - a name
    SUBJECT_TOKEN_REVOKED = "subject_token_revoked"  # noqa: S105 - a name
    SUBJECT_TOKEN_ENDED = "subject_token_revoked_during_mint"  # noqa: S105 - a name
    SUBJECT_TOKEN_KEY = "subject_token_key"  # noqa: S105 - a name
    SUBJECT_TOKEN_BOUND = "subject_token_bound"  # noqa: S105 - a name
    ACTOR_TOKEN_TYPE = "actor_token_type"  # noqa: S105 - a name
    ACTOR_TOKEN_INVALID = "invalid_actor_token"  # noqa: S105 - a name
    ACTOR_FOR_BROKER = "broker_actor_not_allowed"
    SELF_EXCHANGE = "self_exchange_not_allowed"
    OPERATOR_GATE = "operator_gate_denied"
    CROSS_CLIENT = "cross_client_not_authorized"
    FRONTING_CALLER = "fronting_caller_not_authorized"
    FRONTING_LINK_MISSING = "fronting_link_missing"
    SUBJECT_SCOPE = "subject_scope_ceiling"
    SCOPE_UNMAPPED = "scope_unmapped"
    CHAIN_TOO_DEEP = "chain_too_deep"
    NOBODY_TO_CONSENT = "nobody_to_consent"
    CONSENT_MISSING = "consent_missing"
    CONSENT_INSUFFICIENT = "scope_insufficient"
    CONSENT_ENDED = "consent_revoked_during_mint"
    ATTESTATION_UNKNOWN = "agent_attestation_unknown_actor"
    ATTESTATION_AMBIGUOUS = "agent_attestation_ambiguous_actor"
    UPSTREAM_UNAVAILABLE = "upstream_unavailable"
    ASSERTION_MISSING = "missing_assertion"
    ASSERTION_MALFORMED = "invalid_assertion"
    ASSERTION_ISSUER = "untrusted_issuer"
    ASSERTION_TYPE = "assertion_type"
    ASSERTION_SIGNATURE = "assertion_signature"
    ASSERTION_EXPIRED = "assertion_expired"
    ASSERTION_TOO_OLD = "assertion_too_old"
    ASSERTION_CLAIMS = "assertion_claims"
    ASSERTION_AUDIENCE = "assertion_audience"
    ASSERTION_CLIENT = "client_mismatch"
    ASSERTION_KEY = "assertion_key"
    ASSERTION_REPLAYED = "assertion_replayed"
    ISSUER_KEYS_UNAVAILABLE = "jwks_fetch_failed"
    IDP_DISABLED = "idp_disabled"
    XAA_RESOURCE_REQUIRED = "resource_required"
    XAA_POLICY = "policy_denied"
    XAA_SUBJECT_UNMAPPED = "subject_mapping_failed"
    XAA_SUBJECT_INACTIVE = "subject_inactive"
    RESPONSE_TYPE_MISSING = "response_type_missing"
    RESPONSE_TYPE_UNSUPPORTED = "response_type_unsupported"
    REQUEST_OBJECT_INVALID = "request_object_invalid"
    REQUEST_OBJECT_REPLAYED = "request_object_replayed"
    REQUEST_OBJECT_REQUIRED = "request_object_required"
    REQUEST_PUSH_REQUIRED = "request_push_required"
    REQUEST_URI_PUSHED = "request_uri_pushed"
    REQUEST_URI_UNUSABLE = "request_uri_unusable"
    REQUEST_REDIRECT_INVALID = "request_redirect_invalid"
    REQUEST_URI_UNSUPPORTED = "request_uri_unsupported"
    WORKLOAD_ISSUER_DISABLED = "workload_issuer_disabled"
    WORKLOAD_TOKEN_INVALID = "workload_token_invalid"  # noqa: S105 - a name
    WORKLOAD_AUDIENCE = "workload_audience"
    WORKLOAD_EXPIRED = "workload_expired"
    WORKLOAD_TOO_OLD = "workload_too_old"
    WORKLOAD_SUBJECT_MISSING = "workload_subject_missing"
    WORKLOAD_NOT_PROVED = "workload_not_proved"
    WORKLOAD_REPLAYED = "workload_replayed"
    WORKLOAD_UNMATCHED = "workload_unmatched"
    WORKLOAD_OTHER_CLIENT = "workload_other_client"
    AUDIENCE_MISSING = "audience_missing"
    AUDIENCE_UNKNOWN = "audience_unknown"
    AUDIENCE_CLIENT_NOT_LISTED = "audience_client_not_listed"
    AUDIENCE_RESOURCE_REFUSED = "audience_resource_refused"
    AUDIENCE_SCOPE_REFUSED = "audience_scope_refused"
    AUDIENCE_TAKES_NO_ACTOR = "audience_takes_no_actor"
    TOKEN_MISSING = "token_missing"  # noqa: S105 - a name
    TOKEN_INVALID = "token_invalid"  # noqa: S105 - a name
    TOKEN_SCOPE_LACKING = "token_scope_lacking"  # noqa: S105 - a name
    ACCESS_DENIED = "access_denied"
    LOGIN_REQUIRED = "login_required"
    CONSENT_REQUIRED = "consent_required"
    INTERACTION_REQUIRED = "interaction_required"
    SIGN_IN_LEVEL_UNMET = "sign_in_level_unmet"
    REGISTRATION_DISABLED = "registration_disabled"
    REDIRECT_NOT_APPROVED = "redirect_not_approved"
    REDIRECT_INVALID = "redirect_invalid"
    CLIENT_METADATA_INVALID = "client_metadata_invalid"
    REGISTRATION_TOKEN_INVALID = "registration_token_invalid"  # noqa: S105 - a name
    RATE_LIMITED = "rate_limited"
    TEMPORARILY_UNAVAILABLE = "temporarily_unavailable"
    SERVER_ERROR = "server_error"


_CLIENT = Wire("invalid_client", 401, "client authentication failed")
_GRANT = Wire("invalid_grant", 400, "the authorization grant is invalid, expired, or revoked")
_ASSERTION = Wire("invalid_grant", 400, "the assertion is invalid, expired, or not trusted here")
_SCOPE = Wire("invalid_scope", 400, "the requested scope is invalid or not allowed")
_PROOF = Wire("invalid_dpop_proof", 400, "the DPoP proof is invalid")
_NONCE = Wire("use_dpop_nonce", 400, "the DPoP proof must hold the nonce of this answer")
_TARGET = Wire("invalid_target", 400, "the requested resource is unknown or not available")
_REQUEST_OBJECT = Wire("invalid_request_object", 400, "the request object is not acceptable")
_EXCHANGE = Wire("access_denied", 403, "client is not authorized to exchange this token")
_CONSENT = Wire("consent_required", 400, "the user must allow access to this resource")


def _request(description: str, status: int = 400) -> Wire:
    return Wire("invalid_request", status, description)


WIRE: Final[dict[Reason, Wire]] = {
    Reason.BODY_UNREADABLE: _request("the request body cannot be read"),
    Reason.BODY_TOO_LARGE: _request("the request body is too large", 413),
    Reason.BODY_MEDIA_TYPE: _request("the request body has an unsupported media type"),
    Reason.METHOD_NOT_ALLOWED: _request("use POST", 405),
    Reason.PARAMETER_DUPLICATED: _request("a parameter is repeated"),
    Reason.PARAMETER_MALFORMED: _request("a parameter is malformed"),
    Reason.GRANT_TYPE_MISSING: _request("grant_type is missing"),
    Reason.GRANT_TYPE_UNKNOWN: Wire(
        "unsupported_grant_type", 400, "this grant_type is not supported"
    ),
    Reason.GRANT_TYPE_DISABLED: Wire(
        "unsupported_grant_type", 400, "this grant_type is switched off on this server"
    ),
    Reason.GRANT_TYPE_NOT_ALLOWED: Wire(
        "unauthorized_client", 400, "client is not authorized for this grant type"
    ),
    Reason.CLIENT_UNKNOWN: _CLIENT,
    Reason.CLIENT_ID_MISSING: _CLIENT,
    Reason.CLIENT_INACTIVE: _CLIENT,
    Reason.CLIENT_PENDING: Wire(
        "unauthorized_client", 400, "the client waits for approval by an administrator"
    ),
    Reason.CLIENT_METHODS_MIXED: _request("use exactly one client authentication method"),
    Reason.CLIENT_METHOD_WRONG: _CLIENT,
    Reason.CLIENT_SECRET_WRONG: _CLIENT,
    Reason.CLIENT_BASIC_MALFORMED: _CLIENT,
    Reason.CLIENT_ASSERTION_INVALID: _CLIENT,
    Reason.CLIENT_ASSERTION_REPLAYED: _CLIENT,
    Reason.CLIENT_CERTIFICATE_MISSING: _CLIENT,
    Reason.CLIENT_CERTIFICATE_WRONG: _CLIENT,
    Reason.CLIENT_PUBLIC: _CLIENT,
    Reason.CERTIFICATE_UNREADABLE: _request("the client certificate cannot be read"),
    Reason.CERTIFICATE_REQUIRED: _request("present the TLS client certificate"),
    Reason.CODE_MISSING: _request("code is missing"),
    Reason.CODE_UNKNOWN: _GRANT,
    Reason.CODE_EXPIRED: _GRANT,
    Reason.CODE_REPLAYED: _GRANT,
    Reason.CODE_REVOKED: _GRANT,
    Reason.CODE_OTHER_CLIENT: _GRANT,
    Reason.CODE_REDIRECT_MISMATCH: _GRANT,
    Reason.VERIFIER_MISSING: _request("code_verifier is missing"),
    Reason.VERIFIER_MALFORMED: _request("code_verifier is malformed"),
    Reason.VERIFIER_MISMATCH: Wire("invalid_grant", 400, "PKCE verification failed"),
    Reason.CHALLENGE_MISSING: _request("code_challenge is missing or malformed"),
    Reason.CHALLENGE_METHOD: _request("code_challenge_method must be S256"),
    Reason.USER_INACTIVE: _GRANT,
    Reason.REFRESH_MISSING: _request("refresh_token is missing"),
    Reason.REFRESH_UNKNOWN: _GRANT,
    Reason.REFRESH_EXPIRED: _GRANT,
    Reason.REFRESH_OTHER_CLIENT: _GRANT,
    Reason.REFRESH_REUSED: _GRANT,
    Reason.REFRESH_REPLAY_DIFFERS: _GRANT,
    Reason.FAMILY_REVOKED: _GRANT,
    Reason.FAMILY_EXPIRED: _GRANT,
    Reason.SCOPE_MALFORMED: _SCOPE,
    Reason.SCOPE_UNKNOWN: _SCOPE,
    Reason.SCOPE_BEYOND_CEILING: _SCOPE,
    Reason.SCOPE_BEYOND_GRANT: _SCOPE,
    Reason.SCOPE_EMPTY: _SCOPE,
    Reason.SCOPE_REQUIRED: Wire("invalid_scope", 400, "scope is missing and required here"),
    Reason.SCOPE_NO_CEILING: Wire(
        "invalid_scope", 400, "this client has no registered scopes for this grant"
    ),
    Reason.RESOURCE_UNKNOWN: _TARGET,
    Reason.RESOURCE_MISMATCH: _TARGET,
    Reason.RESOURCE_SEVERAL: Wire(
        "invalid_target", 400, "all resource values must name the same resource"
    ),
    Reason.RESOURCE_GRANT_REFUSED: Wire(
        "unauthorized_client", 400, "the requested resource does not allow this grant type"
    ),
    Reason.DPOP_SEVERAL: _PROOF,
    Reason.DPOP_MALFORMED: _PROOF,
    Reason.DPOP_CLAIM_MISSING: _PROOF,
    Reason.DPOP_TYPE: _PROOF,
    Reason.DPOP_ALGORITHM: _PROOF,
    Reason.DPOP_SIGNATURE: _PROOF,
    Reason.DPOP_KEY_MISSING: _PROOF,
    Reason.DPOP_KEY_PRIVATE: _PROOF,
    Reason.DPOP_KEY_UNFIT: _PROOF,
    Reason.DPOP_KEY_NOT_NAMED: _PROOF,
    Reason.DPOP_KEY_MISMATCH: Wire(
        "invalid_grant", 400, "the DPoP proof is not by the key that this grant is bound to"
    ),
    Reason.DPOP_METHOD: _PROOF,
    Reason.DPOP_ADDRESS: _PROOF,
    Reason.DPOP_TIME: _PROOF,
    Reason.DPOP_TOKEN_HASH: _PROOF,
    Reason.DPOP_REPLAYED: _PROOF,
    Reason.DPOP_NONCE_MISSING: _NONCE,
    Reason.DPOP_NONCE_STALE: _NONCE,
    Reason.DPOP_REQUIRED: Wire("invalid_dpop_proof", 400, "this client must send a DPoP proof"),
    Reason.RESOURCE_DPOP_REQUIRED: Wire(
        "invalid_dpop_proof", 400, "the requested resource requires a DPoP proof"
    ),
    Reason.RESOURCE_DPOP_OFF: Wire(
        "invalid_target", 400, "the requested resource does not accept DPoP-bound tokens"
    ),
    Reason.REQUESTED_TOKEN_TYPE: _request("requested_token_type is not supported"),
    Reason.SUBJECT_TOKEN_MISSING: _request("subject_token is missing"),
    Reason.SUBJECT_TOKEN_TYPE: _request("subject_token_type is missing or not supported"),
    Reason.SUBJECT_TOKEN_INVALID: _GRANT,
    Reason.SUBJECT_TOKEN_REVOKED: _GRANT,
    Reason.SUBJECT_TOKEN_ENDED: _GRANT,
    Reason.SUBJECT_TOKEN_KEY: Wire(
        "invalid_grant", 400, "prove possession of the key that the token is bound to"
    ),
    Reason.SUBJECT_TOKEN_BOUND: _EXCHANGE,
    Reason.ACTOR_TOKEN_TYPE: _request("actor_token_type is not supported"),
    Reason.ACTOR_TOKEN_INVALID: _GRANT,
    Reason.ACTOR_FOR_BROKER: _request("actor_token cannot be used with this resource"),
    Reason.SELF_EXCHANGE: _EXCHANGE,
    Reason.OPERATOR_GATE: _EXCHANGE,
    Reason.CROSS_CLIENT: _EXCHANGE,
    Reason.FRONTING_CALLER: Wire(
        "access_denied", 403, "client neither acts as the source nor is allowed at the target"
    ),
    Reason.FRONTING_LINK_MISSING: _request("no fronting link leads to this resource"),
    Reason.SUBJECT_SCOPE: _SCOPE,
    Reason.SCOPE_UNMAPPED: _SCOPE,
    Reason.CHAIN_TOO_DEEP: _request("delegation chain depth exceeds maximum allowed"),
    Reason.NOBODY_TO_CONSENT: _EXCHANGE,
    Reason.CONSENT_MISSING: _CONSENT,
    Reason.CONSENT_INSUFFICIENT: _CONSENT,
    Reason.CONSENT_ENDED: _CONSENT,
    Reason.ATTESTATION_UNKNOWN: _EXCHANGE,
    Reason.ATTESTATION_AMBIGUOUS: _EXCHANGE,
    Reason.UPSTREAM_UNAVAILABLE: Wire(
        "temporarily_unavailable", 503, "the upstream service is unavailable, try again"
    ),
    Reason.ASSERTION_MISSING: _request("assertion is missing"),
    Reason.ASSERTION_MALFORMED: _ASSERTION,
    Reason.ASSERTION_ISSUER: _ASSERTION,
    Reason.ASSERTION_TYPE: _ASSERTION,
    Reason.ASSERTION_SIGNATURE: _ASSERTION,
    Reason.ASSERTION_EXPIRED: _ASSERTION,
    Reason.ASSERTION_TOO_OLD: _ASSERTION,
    Reason.ASSERTION_CLAIMS: _ASSERTION,
    Reason.ASSERTION_AUDIENCE: _ASSERTION,
    Reason.ASSERTION_CLIENT: Wire(
        "invalid_client", 401, "the assertion was made for another client"
    ),
    Reason.ASSERTION_KEY: Wire(
        "invalid_grant", 400, "prove possession of the key that the assertion is bound to"
    ),
    Reason.ASSERTION_REPLAYED: Wire("invalid_grant", 400, "the assertion was used before"),
    Reason.ISSUER_KEYS_UNAVAILABLE: Wire(
        "temporarily_unavailable", 503, "the keys of the issuer cannot be had, try again"
    ),
    Reason.IDP_DISABLED: _ASSERTION,
    Reason.XAA_RESOURCE_REQUIRED: Wire("invalid_target", 400, "resource is missing"),
    Reason.XAA_POLICY: Wire("access_denied", 403, "no policy allows this assertion"),
    Reason.XAA_SUBJECT_UNMAPPED: Wire(
        "access_denied", 403, "the subject of the assertion is not known here"
    ),
    Reason.XAA_SUBJECT_INACTIVE: _GRANT,
    Reason.RESPONSE_TYPE_MISSING: _request("response_type is missing"),
    Reason.RESPONSE_TYPE_UNSUPPORTED: Wire(
        "unsupported_response_type", 400, "response_type must be code"
    ),
    Reason.REQUEST_OBJECT_INVALID: _REQUEST_OBJECT,
    Reason.REQUEST_OBJECT_REPLAYED: _REQUEST_OBJECT,
    Reason.REQUEST_OBJECT_REQUIRED: _request("sign the authorization request"),
    Reason.REQUEST_PUSH_REQUIRED: _request("push the authorization request"),
    Reason.REQUEST_URI_PUSHED: _request("request_uri cannot be pushed"),
    Reason.REQUEST_URI_UNUSABLE: Wire(
        "invalid_request_uri", 400, "the request_uri is unknown, expired, or used"
    ),
    Reason.REQUEST_REDIRECT_INVALID: _request("redirect_uri is missing or not registered"),
    Reason.REQUEST_URI_UNSUPPORTED: Wire(
        "request_uri_not_supported", 400, "request_uri must be one that was pushed"
    ),
    Reason.WORKLOAD_ISSUER_DISABLED: _ASSERTION,
    Reason.WORKLOAD_TOKEN_INVALID: _ASSERTION,
    Reason.WORKLOAD_AUDIENCE: _ASSERTION,
    Reason.WORKLOAD_EXPIRED: _ASSERTION,
    Reason.WORKLOAD_TOO_OLD: _ASSERTION,
    Reason.WORKLOAD_SUBJECT_MISSING: _ASSERTION,
    Reason.WORKLOAD_NOT_PROVED: _ASSERTION,
    Reason.WORKLOAD_REPLAYED: _ASSERTION,
    Reason.WORKLOAD_UNMATCHED: Wire(
        "access_denied", 403, "this workload is not known to this server"
    ),
    Reason.WORKLOAD_OTHER_CLIENT: _CLIENT,
    Reason.AUDIENCE_MISSING: _request("audience is missing"),
    Reason.AUDIENCE_UNKNOWN: Wire(
        "invalid_target", 400, "no assertions are made for this audience"
    ),
    Reason.AUDIENCE_CLIENT_NOT_LISTED: Wire(
        "access_denied", 403, "this client may not have assertions for this audience"
    ),
    Reason.AUDIENCE_RESOURCE_REFUSED: _TARGET,
    Reason.AUDIENCE_SCOPE_REFUSED: _SCOPE,
    Reason.AUDIENCE_TAKES_NO_ACTOR: _request("an assertion takes no actor_token"),
    Reason.TOKEN_MISSING: _request("token is missing"),
    Reason.TOKEN_INVALID: Wire("invalid_token", 401, "the access token is invalid or expired"),
    Reason.TOKEN_SCOPE_LACKING: Wire(
        "insufficient_scope", 403, "the access token lacks a required scope"
    ),
    Reason.ACCESS_DENIED: Wire("access_denied", 403, "the request was denied"),
    Reason.LOGIN_REQUIRED: Wire("login_required", 400, "the user must sign in"),
    Reason.CONSENT_REQUIRED: Wire("consent_required", 400, "the user must give consent"),
    Reason.INTERACTION_REQUIRED: Wire("interaction_required", 400, "the user must interact"),
    Reason.SIGN_IN_LEVEL_UNMET: Wire(
        "unmet_authentication_requirements", 400, "no sign-in here meets the requested acr_values"
    ),
    Reason.REGISTRATION_DISABLED: Wire("access_denied", 403, "registration is disabled"),
    Reason.REDIRECT_NOT_APPROVED: Wire("invalid_redirect_uri", 400, "redirect_uri not allowed"),
    Reason.REDIRECT_INVALID: Wire("invalid_redirect_uri", 400, "a redirect_uri is not acceptable"),
    Reason.CLIENT_METADATA_INVALID: Wire(
        "invalid_client_metadata", 400, "the client metadata is invalid"
    ),
    Reason.REGISTRATION_TOKEN_INVALID: Wire(
        "invalid_token", 401, "the registration access token is invalid"
    ),
    Reason.RATE_LIMITED: Wire("slow_down", 429, "rate limit exceeded"),
    Reason.TEMPORARILY_UNAVAILABLE: Wire(
        "temporarily_unavailable", 503, "a part this request needs is unavailable, try again"
    ),
    Reason.SERVER_ERROR: Wire("server_error", 500, "internal error"),
}


class OAuthError(OAuth2Error):
    """A refusal that oauthlib and django-oauth-toolkit carry untouched to our renderer.

    `reason` is private. `extra` are further public members of the body, `response_headers`
    further headers of the answer.
    """

    def __init__(
        self,
        reason: Reason,
        *,
        extra: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        self.reason = reason
        wire = WIRE[reason]
        self.error = wire.error
        self.extra = extra or {}
        self.response_headers = headers or {}
        super().__init__(description=wire.description, status_code=wire.status)
