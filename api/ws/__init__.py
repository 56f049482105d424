"""The WebSocket at `/ws`, in AutoGPT's envelope."""
