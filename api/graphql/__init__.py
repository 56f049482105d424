"""`/graphql`: the same services as the REST routes, in one schema. HTTP for questions and changes, a socket for events."""
