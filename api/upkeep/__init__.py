"""What keeps the tables of the edge in order."""
