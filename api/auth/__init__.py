"""Who is calling: a token in, a user out."""
