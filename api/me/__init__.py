"""The caller: profile, password, second factor, what is logged in."""
