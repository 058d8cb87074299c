"""Whose signed statements count here: keys of other issuers, and workloads they vouch for."""
