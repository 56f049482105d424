"""What a call costs, from the table of prices that comes with `genai-prices`; nothing is asked over the network."""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal
from typing import Any

import structlog

log = structlog.get_logger(__name__)


def microusd(
    prices: str, model: str, *, input_tokens: int, output_tokens: int, cached_tokens: int
) -> tuple[int, bool]:
    """Return the cost in millionths of a US dollar, rounded up, and whether the price is known.

    `prices`: the provider's name in the table; empty for models of one's own, which cost nothing.
    """
    if not prices:
        return 0, True
    from genai_prices import Usage, calc_price

    cached = min(cached_tokens, input_tokens)
    usage = Usage(input_tokens=input_tokens, output_tokens=output_tokens, cache_read_tokens=cached or None)
    total = _price(calc_price, usage, prices, model)
    if total is None:
        return 0, False
    return int((total * 1_000_000).to_integral_value(ROUND_CEILING)), True


def _price(calc_price: Any, usage: Any, prices: str, model: str) -> Decimal | None:
    try:
        return Decimal(calc_price(usage, model, provider_id=prices).total_price)
    except (LookupError, ValueError):
        log.info("price_unknown", provider=prices, model=model[:100])
        return None
