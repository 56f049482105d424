"""The catalogue: every topic, its key, schema, partitions and retention, and the admin work on them."""
