"""Parameters of the area-to-point model, as several algorithms ask for them."""
