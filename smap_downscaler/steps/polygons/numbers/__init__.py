"""Which pixels lie in polygons, and what their values are like."""
