"""`mapsheet`: sheets of maps as pictures and print layouts."""
