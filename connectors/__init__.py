"""What moves data between the log and another system."""
