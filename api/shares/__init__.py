"""Links that show one run to whoever has them, read-only and for a time."""
