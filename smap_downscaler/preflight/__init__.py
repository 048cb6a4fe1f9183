"""What is looked at before layers are joined."""
