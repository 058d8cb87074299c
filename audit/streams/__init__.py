"""The record passed on while it grows, to whoever collects events."""
