"""Moments as text."""

from authplane.core.clock import as_text as timestamp

__all__ = ["timestamp"]
