"""Where requests are counted against limits. Callers say what they are about to do; nothing is refused here yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from millstream.api.state import Edge

Rule = Literal["log_in", "sign_up", "mail", "token", "invitation"]
"""What is limited: trying a password, making an account, having a mail sent, refreshing a token, inviting."""


async def hit(edge: Edge, rule: Rule, *keys: str) -> None:
    """Count one use of `rule` for each key, such as an address of the network or an e-mail.

    Errors: RateLimitedError, once somebody counts.
    """
