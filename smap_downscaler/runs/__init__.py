"""Work that goes on after a stop: fingerprints, journals, provenance."""
