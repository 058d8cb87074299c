"""What operators do in the console.

Each page reads a form, calls one service as the person who is signed in, and says what came of it.
What a change reaches is told before it is made, and every view asks for the role itself.
"""

from admin_api.console.tasks import (
    approvals,
    client_wizard,
    clients,
    fronting,
    people,
    record,
    rotation,
    settings,
    trust,
    ways_in,
)

__all__ = [
    "approvals", "client_wizard", "clients", "fronting", "people", "record", "rotation",
    "settings", "trust", "ways_in",
]  # fmt: skip
