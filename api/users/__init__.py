"""People on this platform, for its admins."""
