"""What came of training forests."""
