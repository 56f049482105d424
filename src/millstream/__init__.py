"""Millstream: agents on Kafka. Block authors import from here."""
