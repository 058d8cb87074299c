"""Authplane: the project, its shared kernel and its accounts."""
