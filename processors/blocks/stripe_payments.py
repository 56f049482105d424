"""Stripe: customers and payments. What moves money is sent with an idempotency key, and never twice."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

from pydantic import Field

from millstream.processors.annotations import EMPTY, Advanced, Emit, Outputs
from millstream.processors.context import Context
from millstream.processors.credentials import Credentials
from millstream.processors.rest import Service
from millstream.processors.samples import Sample
from millstream.processors.sdk import block
from millstream.schemas.errors import BlockInputError

STRIPE = Service(provider="stripe", title="Stripe", url="https://api.stripe.com/v1")
StripeLogin = Annotated[Credentials, STRIPE.takes("api_key")]
METADATA_MOST: Final = 50
_LOGIN = {"id": "00000000-0000-4000-8000-000000000003", "provider": "stripe", "type": "api_key"}
_CUSTOMER = {"id": "cus_1", "email": "ada@example.com"}
_PAYMENT = {
    "id": "pi_1",
    "status": "requires_payment_method",
    "client_secret": "pi_1_secret_x",
    "amount": 1250,
}


def _served(value: Any) -> tuple[str, str]:
    return "application/json", json.dumps(value)


def _form(values: dict[str, Any], metadata: dict[str, str]) -> dict[str, Any]:
    """The fields of a form as Stripe wants them, without those that are empty. Errors: BlockInputError."""
    if len(metadata) > METADATA_MOST:
        raise BlockInputError(f"Stripe takes {METADATA_MOST} pairs of metadata at most.", pin="metadata")
    given = {name: str(value) for name, value in values.items() if value not in (None, "")}
    return given | {f"metadata[{key}]": str(value) for key, value in metadata.items()}


class Customer(Outputs):
    """Pins of StripeCreateCustomerBlock."""

    customer_id: str
    customer: dict[str, Any]


@block(
    name="StripeCreateCustomerBlock",
    categories=("CRM",),
    repeatable=False,
    samples=[
        Sample(
            {"credentials": _LOGIN, "email": "ada@example.com", "metadata": {"plan": "tea"}},
            [("customer_id", "cus_1"), ("customer", _CUSTOMER)],
            serves={"/customers": _served(_CUSTOMER)},
        )
    ],
)
async def stripe_create_customer(
    credentials: StripeLogin,
    email: str,
    name: str = "",
    description: Advanced[str] = "",
    metadata: Advanced[dict[str, str]] = EMPTY,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Customer]]:
    """Make a customer.

    credentials: A secret or restricted key.
    email: Where the customer gets receipts.
    name: What the customer is called.
    description: A note of yours.
    metadata: Texts by name, kept with the customer.
    customer_id: Id of the customer, `cus_...`.
    customer: The customer as Stripe has it.
    """
    data = _form({"email": email, "name": name, "description": description}, metadata)
    made = await STRIPE.call(ctx, "POST /customers", data=data, keyed=True)
    yield "customer_id", made["id"]
    yield "customer", made


class Payment(Outputs):
    """A payment intent."""

    payment_id: str
    status: str
    payment: dict[str, Any]


@block(
    name="StripeCreatePaymentBlock",
    categories=("CRM",),
    repeatable=False,
    sensitive=True,
    samples=[
        Sample(
            {"credentials": _LOGIN, "amount": 1250, "currency": "EUR"},
            [("payment_id", "pi_1"), ("status", "requires_payment_method"), ("payment", _PAYMENT)],
            serves={"/payment_intents": _served(_PAYMENT)},
        ),
        Sample({"credentials": _LOGIN, "amount": 0, "currency": "EUR"}, raises="block_input_invalid"),
        Sample({"credentials": _LOGIN, "amount": 5, "currency": "euros"}, raises="block_input_invalid"),
        Sample(
            {"credentials": _LOGIN, "amount": 5, "currency": "EUR", "confirm": True},
            raises="block_input_invalid",
        ),
    ],
)
async def stripe_create_payment(
    credentials: StripeLogin,
    amount: Annotated[int, Field(ge=1, le=99_999_999)],
    currency: Annotated[str, Field(pattern="^[A-Za-z]{3}$")],
    customer_id: str = "",
    description: str = "",
    payment_method: Advanced[str] = "",
    confirm: Advanced[bool] = False,
    receipt_email: Advanced[str] = "",
    metadata: Advanced[dict[str, str]] = EMPTY,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Payment]]:
    """Ask for a payment (a payment intent), and take it at once if `confirm` says so.

    A request that is sent again, by a retry, is the same payment: it carries the key of this node's execution. After a crash
    the block is not run again.

    credentials: A secret or restricted key.
    amount: How much, in the smallest unit of the currency: 1250 are 12.50 EUR.
    currency: Three letters, such as EUR.
    customer_id: Who pays, `cus_...`.
    description: What for; the customer may see it.
    payment_method: A method that the customer has saved, `pm_...`.
    confirm: Take the payment now; needs payment_method.
    receipt_email: Where the receipt goes.
    metadata: Texts by name, kept with the payment.
    payment_id: Id of the payment, `pi_...`.
    status: `requires_payment_method`, `requires_action`, `processing`, `succeeded` and so on.
    payment: The payment as Stripe has it.
    """
    if confirm and not payment_method:
        raise BlockInputError("confirm needs a payment_method that the customer has saved.", pin="confirm")
    values = {
        "amount": amount,
        "currency": currency.lower(),
        "customer": customer_id,
        "description": description,
        "payment_method": payment_method,
        "receipt_email": receipt_email,
        "confirm": "true" if confirm else None,
        "off_session": "true" if confirm else None,
    }
    made = await STRIPE.call(ctx, "POST /payment_intents", data=_form(values, metadata), keyed=True)
    yield "payment_id", made["id"]
    yield "status", made["status"]
    yield "payment", made


@block(
    name="StripeGetPaymentBlock",
    categories=("CRM",),
    samples=[
        Sample(
            {"credentials": _LOGIN, "payment_id": "pi_1"},
            [("payment_id", "pi_1"), ("status", "requires_payment_method"), ("payment", _PAYMENT)],
            serves={"/payment_intents/pi_1": _served(_PAYMENT)},
        ),
        Sample({"credentials": _LOGIN, "payment_id": ".."}, raises="block_input_invalid"),
    ],
)
async def stripe_get_payment(
    credentials: StripeLogin, payment_id: str, *, ctx: Context
) -> AsyncIterator[Emit[Payment]]:
    """Look what became of a payment.

    credentials: A secret or restricted key.
    payment_id: Id of the payment, `pi_...`.
    payment_id: Id of the payment.
    status: `succeeded`, `processing`, `requires_action` and so on.
    payment: The payment as Stripe has it.
    """
    found = await STRIPE.call(ctx, "GET /payment_intents/{id}", path={"id": payment_id})
    yield "payment_id", found["id"]
    yield "status", found["status"]
    yield "payment", found


class Customers(Outputs):
    """Pins of StripeFindCustomersBlock."""

    customer: dict[str, Any]
    customers: list[dict[str, Any]]


@block(
    name="StripeFindCustomersBlock",
    categories=("CRM",),
    samples=[
        Sample(
            {"credentials": _LOGIN, "email": "ada@example.com"},
            [("customer", _CUSTOMER), ("customers", [_CUSTOMER])],
            serves={"/customers": _served({"data": [_CUSTOMER]})},
        )
    ],
)
async def stripe_find_customers(
    credentials: StripeLogin,
    email: str = "",
    limit: Advanced[Annotated[int, Field(ge=1, le=100)]] = 10,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Customers]]:
    """Find customers by their address, or list the newest.

    credentials: A secret or restricted key.
    email: The whole address, in the case in which it was given; empty lists all.
    limit: How many at most.
    customer: Each customer as Stripe has it.
    customers: All of them.
    """
    query = {"email": email or None, "limit": limit}
    found = (await STRIPE.call(ctx, "GET /customers", query=query))["data"]
    for each in found:
        yield "customer", each
    yield "customers", found
