"""What the console shows of the broker. Nothing here shows or changes a credential."""

from broker.admin import connections, gateways, sign_in

__all__ = ["connections", "gateways", "sign_in"]
