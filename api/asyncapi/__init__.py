"""The description of the topics: `/asyncapi.json`, and a page of it."""
