"""What messages are made of: ids, JSON values, named values, failures, flags."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Id = Annotated[bytes, Meta(min_length=16, max_length=16)]
"""A UUID as 16 bytes; Avro `fixed`."""

ExecutionStatus = Literal["INCOMPLETE", "QUEUED", "RUNNING", "COMPLETED", "TERMINATED", "FAILED", "REVIEW"]


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all records; the class name is the Avro name."""


class Payload(Message, frozen=True, kw_only=True):
    """One JSON value: in place when small, else a reference into the object store."""

    inline: Annotated[bytes | None, Meta(description="The value as JSON; null when `ref` is set.")] = None
    ref: Annotated[str | None, Meta(description="Key in the object store; null when `inline` is set.")] = None
    type: Annotated[str, Meta(description="JSON type: null, boolean, number, string, array, object.")] = (
        "null"
    )
    size: Annotated[int, Meta(description="Length of the JSON text in bytes.")] = 0
    length: Annotated[
        int | None,
        Meta(
            description="Number of items of an array or object, of characters of a string; by reference only."
        ),
    ] = None
    sha256: Annotated[bytes | None, Meta(description="Digest of the JSON text; by reference only.")] = None
    key_id: Annotated[str | None, Meta(description="Key that seals the object; null: not sealed.")] = None


class Named(Message, frozen=True, kw_only=True):
    """A value under a name: an input of an execution."""

    name: Annotated[str, Meta(description="Name of the input.")]
    value: Annotated[Payload, Meta(description="Its value.")]


class Slot(Message, frozen=True, kw_only=True):
    """A place in a JSON document that holds null and stands for a value in the object store."""

    path: Annotated[str, Meta(description="RFC 6901 pointer to the place.")]
    value: Annotated[Payload, Meta(description="What belongs there, by reference.")]


class Picked(Message, frozen=True, kw_only=True):
    """What one selector finds in an output that travels by reference."""

    selector: Annotated[str, Meta(description="Source pin of a link, such as `result_#_name`.")]
    value: Annotated[Payload | None, Meta(description="What it selects; null: nothing.")] = None


class Emit(Message, frozen=True, kw_only=True):
    """One value that a block emitted on one pin."""

    pin: Annotated[str, Meta(description="Output pin.")]
    value: Annotated[Payload, Meta(description="The value.")]
    picked: Annotated[list[Picked], Meta(description="Selections, when the value is by reference.")] = []


class Failure(Message, frozen=True, kw_only=True):
    """Why a node execution ended without success."""

    code: Annotated[
        str, Meta(description="A MillstreamError code; `internal` is a bug of ours or of the block.")
    ]
    kind: Annotated[
        str,
        Meta(
            description="AutoGPT's class of the error: BlockInputError, BlockExecutionError, BlockUnknownError."
        ),
    ]
    message: Annotated[str, Meta(description="A sentence for people, without secrets.")]
    retryable: Annotated[bool, Meta(description="The same run may succeed later.")] = False


class Flags(Message, frozen=True, kw_only=True):
    """How an execution is to be run; each task carries them on."""

    human_in_the_loop_safe_mode: Annotated[bool, Meta(description="Review blocks wait for a person.")] = True
    sensitive_action_safe_mode: Annotated[bool, Meta(description="Sensitive blocks wait for a person.")] = (
        False
    )
    dry_run: Annotated[bool, Meta(description="No effects outside; blocks are imitated.")] = False
    strict: Annotated[bool, Meta(description="One block run as it is: inputs are not converted first.")] = (
        False
    )
    timezone: Annotated[str, Meta(description="IANA zone of the user.")] = "UTC"
    test: Annotated[
        bool, Meta(description="A test run: nodes with pinned data emit it instead of running.")
    ] = False
