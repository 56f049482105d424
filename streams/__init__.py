"""The Faust apps: the pure engine, the coordinator, the workers, the corrected transport."""
