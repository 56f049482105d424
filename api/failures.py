"""What the description says of errors: problems of RFC 9457 in ours, AutoGPT's shapes on its paths."""

from __future__ import annotations

from typing import Any

PROBLEM = "application/problem+json"
_REF = "#/components/schemas/"
_PLAIN = "application/json"


def describe_failures(schema: dict[str, Any]) -> None:
    """Give each operation its errors as they are answered; FastAPI's own 422 is nowhere."""
    for path, methods in schema["paths"].items():
        ours = path.startswith(("/api/v1/", "/internal/")) or not path.startswith(("/api/", "/external-api/"))
        for operation in methods.values():
            responses = operation["responses"]
            responses.pop("422", None)
            for response in responses.values():
                content = response.get("content", {})
                if content.get(_PLAIN, {}).get("schema", {}).get("$ref") == f"{_REF}Problem":
                    content[PROBLEM] = content.pop(_PLAIN)
            if not ours:
                for status in [status for status in responses if status.startswith("4")]:
                    del responses[status]
            responses["default"] = _default(ours=ours)
    for name in ("HTTPValidationError", "ValidationError"):
        schema["components"]["schemas"].pop(name, None)


def _default(*, ours: bool) -> dict[str, Any]:
    content: dict[str, Any] = {PROBLEM: {"schema": {"$ref": f"{_REF}Problem"}}}
    if not ours:
        shapes = [{"$ref": f"{_REF}Refusal"}, {"$ref": f"{_REF}Refused"}]
        content = {_PLAIN: {"schema": {"anyOf": shapes}}, **content}
    return {"description": "It was refused, or could not be done; `detail` says why.", "content": content}
