"""Graphs: saved in versions, shown in AutoGPT's form."""
