"""Services around keys of administrators and roles of staff."""
