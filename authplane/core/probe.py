"""`python -m authplane.core.probe`: exit status 0 when the listener of this container answers.

Reads only what it needs and loads no framework, because it runs every few seconds.
"""

from __future__ import annotations

import http.client
import os
import sys

TIMEOUT = 2.0


def answers(*, host: str, port: int, path: str) -> bool:
    """The listener gives any answer below 500."""
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT)
    try:
        connection.request("GET", path)
        return connection.getresponse().status < http.client.INTERNAL_SERVER_ERROR
    except OSError:
        return False
    finally:
        connection.close()


def main() -> int:
    """0 for a listener that answers, else 1."""
    operator = os.environ.get("AUTHPLANE_LISTENER", "public") == "operator"
    name, default = (
        ("AUTHPLANE_ADMIN_ADDRESS", ":9001") if operator else ("AUTHPLANE_SERVER_ADDRESS", ":9000")
    )
    port = int(os.environ.get(name, default).rpartition(":")[2])
    # Health is the public listener's; the operator one answers a stranger with 401, which will do.
    path = "/metrics" if operator else "/livez"
    return 0 if answers(host="127.0.0.1", port=port, path=path) else 1


if __name__ == "__main__":
    sys.exit(main())
