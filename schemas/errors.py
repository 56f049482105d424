"""One error tree. `code` is stable and public, `retryable` says whether the same call may succeed later."""

from __future__ import annotations

from typing import Any, ClassVar


class MillstreamError(Exception):
    """Root of everything we raise on purpose. `str(error)` is a sentence for people: fact, value, remedy."""

    code: ClassVar[str] = "internal"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, **facts: Any) -> None:
        super().__init__(message)
        self.facts = facts
        """Machine-readable details; must be JSON-serialisable and free of secrets."""


class ConfigurationError(MillstreamError):
    """Settings, environment or installation do not fit together."""

    code = "configuration"


class BlockDefinitionError(ConfigurationError):
    """Block definitions are wrong. `facts["problems"]`: list of {where, what, remedy}."""

    code = "block_definition"


class AuthenticationError(MillstreamError):
    """No token, or one that is not known."""

    code = "unauthenticated"


class ForbiddenError(MillstreamError):
    """Known, but not allowed to do this."""

    code = "forbidden"


class SecondFactorError(AuthenticationError):
    """The password was right; a code of the second factor is missing or wrong."""

    code = "second_factor_required"


class RateLimitedError(MillstreamError):
    """Too many tries; the same call succeeds later."""

    code = "rate_limited"
    retryable = True


class PreconditionError(MillstreamError):
    """The thing has changed since the caller read it (`If-Match`)."""

    code = "precondition_failed"


class NotFoundError(MillstreamError):
    """Absent, or owned by someone else: the two are not told apart."""

    code = "not_found"


class ConflictError(MillstreamError):
    """The state of the thing forbids this request."""

    code = "conflict"


class GraphInvalidError(MillstreamError):
    """A graph cannot be saved or run. `facts["problems"]`: list of {node, pin, code, reason}."""

    code = "graph_invalid"


class InputInvalidError(MillstreamError):
    """What the caller sent does not fit; `facts` says where."""

    code = "input_invalid"


class QueryTooCostlyError(InputInvalidError):
    """A GraphQL document asks for more than one may. `facts["what"]`: depth, aliases, cost."""

    code = "query_too_costly"


class PayloadTooLargeError(MillstreamError):
    """A value is over the size limit."""

    code = "payload_too_large"


class UnavailableError(MillstreamError):
    """A server that we need does not answer now."""

    code = "unavailable"
    retryable = True


class OverloadedError(UnavailableError):
    """The engine is too far behind to be given more. `facts["retry_after_s"]` says when to try again."""

    code = "overloaded"


class QueueFullError(MillstreamError):
    """As many executions of the caller wait as may."""

    code = "queue_full"
    retryable = True


class RecordInvalidError(MillstreamError):
    """A record on a topic cannot be decoded; it goes to `dead.letters`."""

    code = "record_invalid"


class SignatureInvalidError(MillstreamError):
    """A record that commands the engine is not signed, or not by us; it goes to `dead.letters`."""

    code = "signature_invalid"


class ObjectCorruptError(MillstreamError):
    """What the object store holds is not what was put there."""

    code = "object_corrupt"


class SealBrokenError(MillstreamError):
    """A secret does not open with the keys that are here, or was sealed for something else."""

    code = "seal_broken"


class BlockError(MillstreamError):
    """A block ended without success. `kind` is the name that AutoGPT's clients know."""

    code = "block_failed"
    kind: ClassVar[str] = "BlockUnknownError"


class BlockInputError(BlockError):
    """The inputs of a block do not fit its schema or its rules."""

    code = "block_input_invalid"
    kind = "BlockInputError"


class BlockExecutionError(BlockError):
    """The block ran and reported a failure."""

    kind = "BlockExecutionError"


class BlockTimeoutError(BlockError):
    """The block ran over its time limit."""

    code = "block_timeout"
    retryable = True
    kind = "BlockExecutionError"


class BlockUnknownError(BlockError):
    """No block has this id here, or it is disabled."""

    code = "block_unknown"


class BlockDisabledError(BlockError):
    """The operator of this server has switched the block off."""

    code = "block_disabled"


class UpstreamError(BlockError):
    """A service outside answered badly or not at all."""

    code = "upstream_failed"
    retryable = True
    kind = "BlockExecutionError"


class AddressRefusedError(BlockError):
    """The SSRF guard refused an address."""

    code = "address_refused"
    kind = "BlockExecutionError"


class CredentialError(BlockError):
    """A credential or a secret of a run is gone, is another's, or does not fit the block."""

    code = "credentials_unavailable"
    kind = "BlockExecutionError"
