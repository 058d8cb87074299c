"""What a signed-in person sees and ends: the session, and the access of applications."""
