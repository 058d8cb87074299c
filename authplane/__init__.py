"""Authplane: the project, its shared kernel and its accounts."""

__version__ = "0.1.0"
