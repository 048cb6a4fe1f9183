# Maps by ranger and terra, as bench_forest.py asks for them:
#   Rscript bench_ranger.R FOLDER DATES TREES MTRY THREADS
# FOLDER holds stack.tif and cells.csv: covariates of the cells by the names of its bands, and y1, y2, ... of
# the dates.  Tells seconds of the clock and of the processors, without what R takes to start.
suppressMessages({
  library(ranger)
  library(terra)
})
given <- commandArgs(TRUE)
folder <- given[1]
numbers <- as.integer(given[-1])
stack <- rast(file.path(folder, "stack.tif"))
cells <- read.csv(file.path(folder, "cells.csv"))
begun <- proc.time()
for (date in seq_len(numbers[1])) {
  rows <- cells[names(stack)]
  rows$y <- cells[[paste0("y", date)]]
  forest <- ranger(y ~ ., rows, num.trees = numbers[2], mtry = numbers[3], min.node.size = 4,
                   num.threads = numbers[4], seed = 1)
  predict(stack, forest, fun = function(model, x, ...) {
    predict(model, x, num.threads = numbers[4])$predictions
  }, filename = file.path(folder, paste0("ranger_", date, ".tif")), overwrite = TRUE,
  gdal = c("COMPRESS=DEFLATE", "PREDICTOR=3"))
}
spent <- proc.time() - begun
cat("took", spent[["elapsed"]], sum(spent[c("user.self", "sys.self")]), "\n")
