"""What upstream services want to hear, and how they answer."""
