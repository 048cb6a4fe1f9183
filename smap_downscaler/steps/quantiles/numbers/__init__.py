"""Multiscale quantile correlation of two series (Xu et al. 2020; Choi & Shin 2022)."""
