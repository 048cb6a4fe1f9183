"""Print layouts, overlays, and the main thread that they need."""
