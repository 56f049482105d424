"""Credentials and secret values: sealed in PostgreSQL, handed to workers in copies for one execution."""
