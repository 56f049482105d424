"""Organisations: accounts that several people share."""
