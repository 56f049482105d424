"""Presets: saved inputs of a graph, to run it with again."""
