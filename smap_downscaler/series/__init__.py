"""Dated rasters: folders, files with a time axis, stacks, and what lies behind a band."""
