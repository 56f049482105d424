"""Messages of the other topics: usage, notices, the store, audit, dead letters."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from millstream.schemas.messages.values import Id, Message


class Usage(Message, frozen=True, kw_only=True):
    """What one node execution used. Key: user id. Source: a worker."""

    user_id: Annotated[str, Meta(description="Owner.")]
    execution_id: Annotated[Id, Meta(description="The execution.")]
    node_execution_id: Annotated[Id, Meta(description="The node execution.")]
    run_id: Annotated[Id, Meta(description="The run: a repeated record has the same.")]
    block_id: Annotated[str, Meta(description="Block that ran.")]
    elapsed_ms: Annotated[int, Meta(description="Wall time in ms.")]
    input_tokens: Annotated[int, Meta(description="Model tokens read.")] = 0
    output_tokens: Annotated[int, Meta(description="Model tokens written.")] = 0
    cost_microusd: Annotated[int, Meta(description="Cost in millionths of a US dollar.")] = 0
    at: Annotated[int, Meta(description="Time, ms.")] = 0


class ModelCall(Message, frozen=True, kw_only=True):
    """One call of a model. Key: user id. Source: the worker whose block asked."""

    call_id: Annotated[
        Id,
        Meta(
            description="Derived from node execution, attempt and question: the same when a run is repeated after a crash."
        ),
    ]
    user_id: Annotated[str, Meta(description="Owner.")]
    execution_id: Annotated[Id, Meta(description="The execution.")]
    node_execution_id: Annotated[Id, Meta(description="The node execution.")]
    graph_id: Annotated[str, Meta(description="Graph that is run.")]
    provider: Annotated[str, Meta(description="Who answered, such as `openai`.")]
    model: Annotated[str, Meta(description="Which model, as its provider names it.")]
    ability: Annotated[str, Meta(description="chat, embed, moderate, transcribe, speak or draw.")]
    input_tokens: Annotated[int, Meta(description="Tokens read, cached ones included.")] = 0
    output_tokens: Annotated[int, Meta(description="Tokens written.")] = 0
    cached_tokens: Annotated[int, Meta(description="Tokens read from the provider's cache.")] = 0
    cost_microusd: Annotated[int, Meta(description="Cost in millionths of a US dollar.")] = 0
    priced: Annotated[bool, Meta(description="Whether the price is known.")] = True
    elapsed_ms: Annotated[int, Meta(description="Time from the question to the whole answer, ms.")] = 0
    at: Annotated[int, Meta(description="When it was answered, ms.")] = 0


class Notification(Message, frozen=True, kw_only=True):
    """A message to a person. Key: user id."""

    notification_id: Annotated[Id, Meta(description="Repeated deliveries have the same.")]
    user_id: Annotated[str, Meta(description="To whom.")]
    kind: Annotated[str, Meta(description="Template, such as `execution_failed`.")]
    data: Annotated[bytes, Meta(description="JSON object for the template.")]
    at: Annotated[int, Meta(description="Time, ms.")]


class StoreEvent(Message, frozen=True, kw_only=True):
    """A change of a store listing. Key: listing id."""

    listing_id: Annotated[Id, Meta(description="The listing.")]
    kind: Annotated[str, Meta(description="submitted, reviewed, published, downloaded, rated, ...")]
    actor_id: Annotated[str, Meta(description="Who did it.")]
    data: Annotated[bytes, Meta(description="JSON object of the facts.")]
    at: Annotated[int, Meta(description="Time, ms.")]


class Audit(Message, frozen=True, kw_only=True):
    """Who did what. Key: actor id. Source: the edge."""

    audit_id: Annotated[Id, Meta(description="Repeated deliveries have the same.")]
    actor_id: Annotated[str, Meta(description="Who.")]
    action: Annotated[str, Meta(description="What, such as `graph.delete`.")]
    subject: Annotated[str, Meta(description="On what: an id.")]
    data: Annotated[bytes, Meta(description="JSON object of the facts, without secrets.")]
    at: Annotated[int, Meta(description="Time, ms.")]
    chain_id: Annotated[str, Meta(description="The chain of records that this is a link of.")] = ""
    sequence: Annotated[int, Meta(description="Place in the chain, from 1; 0: in none.")] = 0
    previous: Annotated[bytes, Meta(description="`hash` of the link before.")] = b""
    hash: Annotated[bytes, Meta(description="SHA-256 over all other fields; `schemas/audit.py`.")] = b""


class Changed(Message, frozen=True, kw_only=True):
    """Something that edges keep in memory has changed. Key: its id. Source: an edge. What is null is not meant."""

    edge: Annotated[str, Meta(description="Which process says so; it knows already.")]
    user_id: Annotated[str | None, Meta(description="A user; with `account_id` his membership.")] = None
    account_id: Annotated[str | None, Meta(description="An organisation.")] = None
    session_id: Annotated[str | None, Meta(description="A session, a log-in of a program, or a key.")] = None
    graph_id: Annotated[str | None, Meta(description="A graph.")] = None
    ends: Annotated[bool, Meta(description="Whoever has come in by it is out.")] = False
    at: Annotated[int, Meta(description="Time, ms.")]


class DeadLetter(Message, frozen=True, kw_only=True):
    """A record that could not be handled. Key: the original's. Headers repeat what operators look for."""

    topic: Annotated[str, Meta(description="Where it came from.")]
    partition: Annotated[int, Meta(description="Original partition.")]
    offset: Annotated[int, Meta(description="Original offset.")]
    timestamp: Annotated[int, Meta(description="Original timestamp, ms.")]
    key: Annotated[bytes | None, Meta(description="Original key.")]
    value: Annotated[bytes | None, Meta(description="Original bytes.")]
    error_code: Annotated[str, Meta(description="Stable code of the reason.")]
    error_message: Annotated[str, Meta(description="The reason, for people.")]
    consumer: Annotated[str, Meta(description="Group that gave up.")]
    at: Annotated[int, Meta(description="When it gave up, ms.")]
