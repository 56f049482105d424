"""Reviews: what people are asked while an execution waits, and their answers."""
