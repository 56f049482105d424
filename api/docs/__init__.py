"""The page at `/docs`: every operation, to be read and tried out."""
