"""Who did what: written with the deed, chained, moved to the topic `audit.log`."""
