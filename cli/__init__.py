"""Composition root: settings, clients, commands."""
