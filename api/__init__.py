"""The FastAPI edge: one package a feature."""
