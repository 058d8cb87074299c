"""What the console shows of the authorization server. Nothing here shows or changes a secret."""

from oauth.admin import directory, issued, trusted, workloads

__all__ = ["directory", "issued", "trusted", "workloads"]
