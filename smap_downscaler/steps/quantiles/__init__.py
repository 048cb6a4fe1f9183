"""`quantilecorrelation`: two series by time scale and quantile."""
