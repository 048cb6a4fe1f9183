"""Ways to learn soil moisture from covariates."""
