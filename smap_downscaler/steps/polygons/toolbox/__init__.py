"""Fields that statistics add to polygon layers."""
