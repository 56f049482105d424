"""`/external-api/v1`: AutoGPT's API for programs, by key."""
