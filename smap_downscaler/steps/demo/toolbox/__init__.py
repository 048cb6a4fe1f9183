"""The demo data as layers."""
