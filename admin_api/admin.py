"""Pages of the console: importing them adds them."""

from admin_api.console import inspector, lineage, search

__all__ = ["inspector", "lineage", "search"]
