"""How times are written on pages: the same for every reader, and sortable."""
