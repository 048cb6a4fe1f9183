"""Known soil products: what their files are called, how they store their numbers, what values can be true."""
