"""The echo model: not a language model, but a small program that speaks OpenAI's HTTP protocol and follows simple orders.

It is what runs without a key ask, so that examples, demonstrations and tests work on a laptop without a network. All that it
says follows from the question by fixed rules: `rules` (chat), `making` (JSON by a schema), `vectors` (embeddings), `media`
(pictures, speech).
"""
