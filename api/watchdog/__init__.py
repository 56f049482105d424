"""Runs without progress: the engine is asked to look at them, and people are told."""
