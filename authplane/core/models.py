"""What the kernel keeps in the database so that every process agrees on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.contrib.sessions.base_session import AbstractBaseSession, BaseSessionManager
from django.db import models

from authplane.core import clock

if TYPE_CHECKING:
    from django.contrib.sessions.backends.base import SessionBase


class OneTimeValue(models.Model):
    """A value that was used and must not be used again before it expires.

    Only the digest is kept: a used identifier is often a secret that is still worth something
    elsewhere.
    """

    digest = models.CharField(max_length=43, primary_key=True)
    namespace = models.CharField(max_length=32)
    expires_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["expires_at"])]

    def __str__(self) -> str:
        return f"{self.namespace} until {self.expires_at:%Y-%m-%dT%H:%M:%SZ}"


class RateBucket(models.Model):
    """A token bucket shared by processes that have no Redis."""

    key = models.CharField(max_length=128, primary_key=True)
    full_at = models.FloatField(help_text="Seconds since 1970; when the bucket is full again.")

    class Meta:
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["full_at"])]

    def __str__(self) -> str:
        return self.key


class RequestWindow(models.Model):
    """Requests of one caller on one route, shared by processes that have no Redis."""

    key = models.CharField(max_length=128, primary_key=True)
    requests = models.PositiveIntegerField()
    ends_at = models.FloatField(help_text="Seconds since 1970; requests count together until then.")

    class Meta:
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["ends_at"])]

    def __str__(self) -> str:
        return f"{self.key}: {self.requests}"


class KeptAnswer(models.Model):
    """The answer to a request that its caller may repeat (`Idempotency-Key`).

    `digest` names caller, route and key; `fingerprint` is that of the request, so that the key of
    one request is no answer to another. `sealed` can be opened with the key alone: some answers
    show a secret once.
    """

    digest = models.CharField(max_length=43, primary_key=True)
    fingerprint = models.CharField(max_length=43)
    status = models.PositiveSmallIntegerField(null=True, help_text="NULL: not answered yet.")
    sealed = models.BinaryField(null=True)
    expires_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["expires_at"])]

    def __str__(self) -> str:
        return f"{self.status} until {self.expires_at:%Y-%m-%dT%H:%M:%SZ}"


class LoginFailure(models.Model):
    """Failed attempts of one identity from one address, and until when it is locked."""

    key = models.CharField(max_length=128, primary_key=True)
    failures = models.PositiveIntegerField()
    window_ends = models.FloatField(help_text="Seconds since 1970; failures count until then.")
    locked_until = models.FloatField(default=0.0, help_text="Seconds since 1970; 0 is not locked.")

    class Meta:
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["window_ends"])]

    def __str__(self) -> str:
        return f"{self.key}: {self.failures}"


class ScheduledRun(models.Model):
    """The latest run of a scheduled job: who holds it now, and how the last one ended."""

    name = models.CharField(max_length=64, primary_key=True)
    claimed_until = models.DateTimeField(
        null=True, blank=True, help_text="Set while a process runs the job; afterwards empty."
    )
    claim = models.CharField(max_length=36, blank=True, default="")
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    duration_ms = models.PositiveIntegerField(default=0)
    result = models.JSONField(default=dict, blank=True)
    error = models.CharField(max_length=255, blank=True, default="")
    runs = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return self.name


class RuntimeSetting(models.Model):
    """A setting an operator changed while the server runs; it wins over the configuration."""

    name = models.CharField(max_length=64, primary_key=True)
    value = models.JSONField()
    updated_at = models.DateTimeField(default=clock.now)
    updated_by = models.CharField(max_length=255, blank=True, default="")

    def __str__(self) -> str:
        return self.name


class OperatorSession(AbstractBaseSession):
    """A browser session of the operator console, apart from the public ones."""

    objects: ClassVar[BaseSessionManager[OperatorSession]] = BaseSessionManager()  # type: ignore[assignment]

    @classmethod
    def get_session_store_class(cls) -> type[SessionBase]:
        """The store that reads this table."""
        from authplane.core.operator_sessions import SessionStore  # noqa: PLC0415 - it imports us

        return SessionStore
