"""SAGA as an engine: its tools, the two ways to call them, and the terrain chain made of them."""
