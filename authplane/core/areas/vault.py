"""Settings of a HashiCorp Vault that keeps the data key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from authplane.core.areas.declare import setting
from authplane.core.env import duration, secret

LOCAL: Final = "aes_master"
TRANSIT: Final = "vault_transit_encrypt"
_PREFIX: Final = "data_encryption.vault_transit_encrypt"


def _name(member: str) -> str:
    return f"AUTHPLANE_DATA_ENCRYPTION_VAULT_{member}"


@dataclass(frozen=True, slots=True)
class DataKeys:
    """Who keeps the data key, and how a Vault that does is asked for it."""

    driver: str = setting(
        "data_encryption.driver",
        LOCAL,
        "Who keeps the data key: aes_master, whoever sets AUTHPLANE_DATA_ENCRYPTION_KEY;"
        " vault_transit_encrypt, a Vault, and that setting holds the key as its Transit engine"
        " wrapped it.",
        choices=(LOCAL, TRANSIT),
    )
    address: str = setting(
        f"{_PREFIX}.address",
        "",
        "URL of the Vault: https, or http on loopback.",
        variable=_name("ADDRESS"),
    )
    mount_path: str = setting(
        f"{_PREFIX}.mount_path",
        "transit",
        "Where its Transit engine is mounted.",
        variable=_name("MOUNT_PATH"),
    )
    key_name: str = setting(
        f"{_PREFIX}.key_name",
        "",
        "Its Transit key that wraps the data key.",
        variable=_name("KEY_NAME"),
    )
    namespace: str = setting(
        f"{_PREFIX}.namespace",
        "",
        "Its namespace; empty where there are none.",
        variable=_name("NAMESPACE"),
    )
    auth_method: str = setting(
        f"{_PREFIX}.auth_method",
        "token",
        "How this server signs in there.",
        variable=_name("AUTH_METHOD"),
        choices=("token", "approle", "kubernetes"),
    )
    auth_mount: str = setting(
        f"{_PREFIX}.auth_mount",
        "",
        "Where that method is mounted; empty: under its own name.",
        variable=_name("AUTH_MOUNT"),
    )
    token: str = setting(
        f"{_PREFIX}.token",
        "",
        "The token of the method token.",
        variable=_name("TOKEN"),
        read=secret,
        secret=True,
    )
    role_id: str = setting(
        f"{_PREFIX}.approle.role_id",
        "",
        "The role of the method approle.",
        variable=_name("ROLE_ID"),
        read=secret,
        secret=True,
    )
    secret_id: str = setting(
        f"{_PREFIX}.approle.secret_id",
        "",
        "The secret of that role.",
        variable=_name("SECRET_ID"),
        read=secret,
        secret=True,
    )
    kubernetes_role: str = setting(
        f"{_PREFIX}.kubernetes.role",
        "",
        "The role of the method kubernetes.",
        variable=_name("KUBERNETES_ROLE"),
    )
    kubernetes_token_path: str = setting(
        f"{_PREFIX}.kubernetes.token_path",
        "/var/run/secrets/kubernetes.io/serviceaccount/token",
        "File with the service account's token for that method.",
        variable=_name("KUBERNETES_TOKEN_PATH"),
    )
    ca_path: str = setting(
        f"{_PREFIX}.ca_path",
        "",
        "File with the authorities that may vouch for the Vault; empty: those of the system.",
        variable=_name("CA_PATH"),
    )
    timeout: int = setting(
        f"{_PREFIX}.timeout",
        5,
        "How long one call to the Vault may take.",
        variable=_name("TIMEOUT"),
        read=duration,
        low=1,
        high=60,
    )
