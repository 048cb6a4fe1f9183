"""Field readings against maps: daily means, metrics, intervals, anomalies, triple collocation."""
