"""`crossvalidate`: how good a model is, by folds that flatter and by stricter ones."""
