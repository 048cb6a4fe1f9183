"""Random forests: settings, growth, plain-array trees, prediction, out-of-bag scores."""
