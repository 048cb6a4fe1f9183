"""Parameters of forests, as several algorithms ask for them."""
