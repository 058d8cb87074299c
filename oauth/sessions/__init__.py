"""Browser sessions: signing in and out, and the way back to where the user was going."""
