"""Blocks that are made from something else: tools of MCP servers, operations of OpenAPI documents, LangChain, Transformers."""
