"""Evidence that the record is what was written: batches, each the child of the one before."""
