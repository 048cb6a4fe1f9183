"""Random forests of soil moisture: settings, training, plain-array trees, prediction, the forest file."""
