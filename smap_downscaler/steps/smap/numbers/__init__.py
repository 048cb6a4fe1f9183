"""Screening of SMAP retrievals."""
