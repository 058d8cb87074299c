"""Checkpoints kept where whoever rules the database does not."""
