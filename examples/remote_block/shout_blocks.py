"""The form of a block that runs elsewhere: its lane says where. `worker.mjs` does the work."""

from __future__ import annotations

from millstream import block


@block(lane="shout", no_samples="it runs in a worker of its own")
async def shout(text: str, times: int = 1) -> str:
    """Say a text loudly.

    text: What to say.
    times: How many exclamation marks to put behind it.
    result: The text in capitals.
    """
    raise NotImplementedError("the workers of the lane `shout` run it")
