"""`principalcomponents`: what goes with what."""
