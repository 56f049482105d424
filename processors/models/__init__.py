"""Models behind `ctx.models`: one interface for all providers, with back-off, limits, cost and usage on every call.

`interface` is what blocks see; `providers` the table of services; `resolve` decides who is asked; `switchboard` holds what a
process shares (connections, limits); `run` binds it to one run of a block; `openai_form` and `anthropic_form` speak the two
protocols. The SDKs are imported by the first call, so that a worker that asks no model stays small.
"""
