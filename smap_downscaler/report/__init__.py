"""Figures and HTML pages: matplotlib, no pyplot."""
