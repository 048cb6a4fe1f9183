"""`antecedentprecipitation` and `seasonalprecipitation`."""
