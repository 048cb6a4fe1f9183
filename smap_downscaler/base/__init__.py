"""Numbers and words that know nothing of files: dates, names, progress, threads, errors."""
