"""`fieldvalidation` and `triplecollocation`: maps against readings of stations."""
