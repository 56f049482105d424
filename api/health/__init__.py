"""Whether the edge lives and can serve, and what it counts."""
