"""What came of training area-to-point models."""
