"""The authorization request: what it says, whether it may be asked, and how it is answered."""
