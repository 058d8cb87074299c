"""Pages of the console: importing them adds them."""

from admin_api.console import inspector, lineage, overview, search, tasks

__all__ = ["inspector", "lineage", "overview", "search", "tasks"]
