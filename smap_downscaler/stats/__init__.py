"""Statistics that several steps share: scores, moments, intervals, autocorrelation."""
