"""How long things live, in seconds or as moments."""

from datetime import datetime, timedelta

from authplane.core.config import config


def user_token_lifetime() -> int:
    """Seconds an access token lives that acts for a user."""
    return config().tokens.access_ttl


def machine_token_lifetime() -> int:
    """Seconds an access token lives that a client has for itself."""
    return config().tokens.machine_ttl


def exchanged_token_lifetime() -> int:
    """Seconds a token lives at most that was exchanged for another; never past that one's end."""
    return config().tokens.exchange_ttl


def asserted_token_lifetime() -> int:
    """Seconds a token lives that was issued for an identity provider's assertion."""
    return config().tokens.xaa_ttl


def family_end(now: datetime) -> datetime:
    """When a family begun now ends, however often it is refreshed."""
    return now + timedelta(seconds=config().tokens.family_ttl)


def refresh_end(now: datetime, *, family_expires_at: datetime) -> datetime:
    """When a refresh token issued now ends: it slides, but never past its family."""
    return min(now + timedelta(seconds=config().tokens.refresh_ttl), family_expires_at)


def within_replay_window(consumed_at: datetime, *, now: datetime) -> bool:
    """The refresh token was used so short ago that the first answer may have been lost."""
    window = config().tokens.refresh_replay_window
    return window > 0 and now <= consumed_at + timedelta(seconds=window)
