"""Log-in by somebody else who knows people: OpenID Connect issuers, Google, GitHub."""
