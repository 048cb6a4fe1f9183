"""`fillgaps`: SMAP's own cells every day."""
