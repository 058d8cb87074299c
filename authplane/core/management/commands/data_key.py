"""`manage.py data_key`: data keys that a Vault wraps."""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.management.base import CommandError

from authplane.core import crypto
from authplane.core.config import config
from authplane.core.datakeys import WRAPPED
from authplane.core.management.subcommands import ActionsCommand
from authplane.core.transit import TransitClient, VaultError

PRESENT = "AUTHPLANE_DATA_ENCRYPTION_KEY"
OLD = "AUTHPLANE_DATA_ENCRYPTION_KEY_OLD"


class Command(ActionsCommand):
    """What is printed is for the configuration. It is worth nothing without the Vault."""

    help = "Make, wrap and check data keys that a Vault wraps; nothing is stored or changed."
    actions: ClassVar[dict[str, str]] = {
        "new": "a new key that only the Vault has seen",
        "wrap": "the present key, which stands in clear, as the Vault wraps it",
        "rewrap": "the configured wrapped keys under the newest version of the Vault's key",
        "check": "open the configured keys; exit status 1 when one cannot be had",
    }
    # The check of the data keys would refuse to start what is there to find the fault.
    requires_system_checks: list[str] = []

    def handle(self, *, action: str, **options: Any) -> None:
        """The subcommand ran.

        Raises: CommandError.
        """
        keys = config().data_keys
        if action != "check" and not (keys.address and keys.key_name):
            raise CommandError(
                "set AUTHPLANE_DATA_ENCRYPTION_VAULT_ADDRESS and ..._KEY_NAME, and how to sign in"
            )
        try:
            result = getattr(self, f"_{action}")()
        except (VaultError, crypto.CryptoError) as error:
            raise CommandError(str(error)) from error
        self.report(result, title="data key", as_json=options["json"])

    def _new(self) -> dict[str, Any]:
        """A key that has never been in clear outside of the Vault."""
        return {PRESENT: TransitClient(config().data_keys).new_data_key()}

    def _wrap(self) -> dict[str, Any]:
        """The same key, so that nothing has to be sealed anew."""
        present = config().secrets.data
        if not present or present.startswith(WRAPPED):
            raise CommandError(f"{PRESENT} is not a key in clear")
        return {PRESENT: TransitClient(config().data_keys).encrypt(bytes.fromhex(present))}

    def _rewrap(self) -> dict[str, Any]:
        """The same keys, after the Vault's own key was rotated."""
        known = {PRESENT: config().secrets.data, OLD: config().secrets.data_old}
        wrapped = {name: text for name, text in known.items() if text.startswith(WRAPPED)}
        if not wrapped:
            raise CommandError("no data key is wrapped")
        found = TransitClient(config().data_keys).rewrap(list(wrapped.values()))
        return dict(zip(wrapped, found, strict=True))

    def _check(self) -> dict[str, Any]:
        """By which names sealed values know the keys."""
        names = crypto.known_key_names()
        if not names:
            raise CommandError("no data key is configured")
        return {
            "driver": config().data_keys.driver,
            "present": crypto.present_key_name()[1:].hex(),
            "opened": len(names),
        }
