"""Why a client cannot be changed, in constant words that may be shown to the operator."""


class ClientError(Exception):
    """A refused change of a client."""


class ClientUnknown(ClientError):
    """There is no client with this id."""

    def __init__(self) -> None:
        super().__init__("client not found")


class ClientChanged(ClientError):
    """Somebody else changed the client in between."""

    def __init__(self) -> None:
        super().__init__("client version conflict")


class ClientInWrongState(ClientError):
    """The change does not start from the client's present state."""

    def __init__(self, *, present: str, wanted: str) -> None:
        super().__init__(f"invalid client state transition from {present} to {wanted}")
        self.present = present
        self.wanted = wanted


class ClientHasNoSecret(ClientError):
    """A client without a secret has none to rotate."""

    def __init__(self) -> None:
        super().__init__("client does not authenticate with a secret")


class ClientInUse(ClientError):
    """The client holds tokens that still count."""

    def __init__(self) -> None:
        super().__init__("client has active tokens (use force=true)")
