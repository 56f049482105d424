"""Many executions in one request: lines of JSON in, a summary out."""
