"""What the echo model says: instructions that it knows, tools that it calls. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from millstream.local.echo_model.making import first_sentence, value_of

WHO = (
    "I am echo, the local demo model: a small program with fixed rules, not a language model. I repeat, summarise (the first "
    "sentence), list, classify by words, count, change case, fill in JSON and call tools. For more, add a credential for a "
    "provider."
)
PREFIX = "[echo, local demo model] "


@dataclass(frozen=True, slots=True)
class Said:
    """A turn: text, or tools to call as (name, arguments as JSON)."""

    text: str = ""
    calls: tuple[tuple[str, str], ...] = ()


def reply(body: Mapping[str, Any]) -> Said:
    """Return the turn that answers a chat request."""
    messages = [message for message in body.get("messages") or () if isinstance(message, Mapping)]
    asked_at = max((n for n, m in enumerate(messages) if m.get("role") == "user"), default=-1)
    question = text_of(messages[asked_at]) if asked_at >= 0 else ""
    since = messages[asked_at + 1 :]
    tools = _tools(body)
    if tools and body.get("tool_choice") != "none":
        calls = _calls(question, since, tools, body.get("tool_choice"), body.get("parallel_tool_calls", True))
        if calls:
            return Said(calls=calls)
    if (schema := _schema(body, messages)) is not None:
        return Said(text=json.dumps(value_of(schema, question), ensure_ascii=False))
    results = [text_of(message) for message in since if message.get("role") == "tool"]
    if results:
        return Said(text="The tools gave: " + "; ".join(results))
    return Said(text=_followed(question, _instruction(messages)))


def text_of(message: Mapping[str, Any]) -> str:
    """Return the text of a message; pictures in it are named."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    parts = []
    for part in content if isinstance(content, Sequence) else ():
        if not isinstance(part, Mapping):
            continue
        if part.get("type") == "text":
            parts.append(str(part.get("text", "")))
        elif part.get("type") == "image_url":
            url = (
                (part.get("image_url") or {}).get("url", "")
                if isinstance(part.get("image_url"), Mapping)
                else ""
            )
            kind = url[5:].partition(";")[0] if url.startswith("data:") else "linked"
            parts.append(f"[a picture, {kind}, {len(url)} characters]")
    return "\n".join(parts)


# --- tools ---


def _tools(body: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    found = {}
    for tool in body.get("tools") or ():
        function = tool.get("function") if isinstance(tool, Mapping) else None
        if isinstance(function, Mapping) and function.get("name"):
            found[str(function["name"])] = function.get("parameters") or {}
    return found


_DIRECTIVE = re.compile(
    r"(?P<then>\bthen\s+)?\bcall\s+(?:the\s+tool\s+)?`?(?P<name>[\w.-]+)`?(?P<with>\s+with\s+)?",
    re.IGNORECASE,
)


def _calls(
    question: str,
    since: Sequence[Mapping[str, Any]],
    tools: Mapping[str, Mapping[str, Any]],
    choice: Any,
    parallel: Any,
) -> tuple[tuple[str, str], ...]:
    """`call a with {...} and call b with {...}, then call c`: a turn for each `then`. Else each tool that is named, once."""
    turns = sum(1 for message in since if message.get("role") == "assistant" and message.get("tool_calls"))
    script = _script(question, tools)
    if script:
        if not parallel:
            script = [[call] for group in script for call in group]
        return tuple(script[turns]) if turns < len(script) else ()
    if turns:
        return ()
    words = question.lower()
    forced = _forced(choice)
    wanted = [forced] if forced in tools else [name for name in tools if _is_said(name, words)]
    if not wanted and choice == "required":
        wanted = [next(iter(tools))]
    made = tuple((name, json.dumps(value_of(tools[name], question))) for name in wanted)
    return made if parallel else made[:1]


def _forced(choice: Any) -> str:
    function = choice.get("function") if isinstance(choice, Mapping) else None
    return str(function.get("name", "")) if isinstance(function, Mapping) else ""


def _is_said(name: str, words: str) -> bool:
    spoken, heard = (re.sub(r"[_\W]+", " ", text.lower()).strip() for text in (name, words))
    return name.lower() in words or (bool(spoken) and f" {spoken} " in f" {heard} ")


def _script(question: str, tools: Mapping[str, Mapping[str, Any]]) -> list[list[tuple[str, str]]]:
    groups: list[list[tuple[str, str]]] = []
    for match in _DIRECTIVE.finditer(question):
        name = match["name"].rstrip(".")
        if name not in tools:
            continue
        rest = question[match.end() :]
        given = _leading_json(rest) if match["with"] else None
        arguments = value_of(tools[name], rest) if given is None else given
        if match["then"] or not groups:
            groups.append([])
        groups[-1].append((name, json.dumps(arguments)))
    return groups


def _leading_json(text: str) -> Any:
    try:
        value, _ = json.JSONDecoder().raw_decode(text.lstrip())
    except ValueError:
        return None
    return value


# --- JSON ---


def _schema(body: Mapping[str, Any], messages: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    wanted = body.get("response_format")
    kind = wanted.get("type") if isinstance(wanted, Mapping) else None
    if kind == "json_schema":
        inner = wanted.get("json_schema") if isinstance(wanted, Mapping) else None
        schema = inner.get("schema") if isinstance(inner, Mapping) else None
        return schema if isinstance(schema, Mapping) else {}
    for message in reversed(messages):
        text = text_of(message)
        at = text.find("JSON Schema:\n")
        if at >= 0 and message.get("role") == "system":
            found = _leading_json(text[at + len("JSON Schema:\n") :])
            if isinstance(found, Mapping):
                return found
    return {} if kind == "json_object" else None


# --- instructions ---


def _instruction(messages: Sequence[Mapping[str, Any]]) -> str:
    return "\n".join(text_of(m) for m in messages if m.get("role") in ("system", "developer"))


def _followed(question: str, system: str) -> str:
    """An instruction stands before a colon or a line break, or in the system message."""
    for verbs, follow in _INSTRUCTIONS:
        match = re.match(rf"\s*(?:please\s+)?(?:{verbs})\b", question, re.IGNORECASE)
        if match:
            head, content = _parted(question[match.end() :])
            return follow(head, content)
    for verbs, follow in _INSTRUCTIONS:
        match = re.search(rf"\b(?:{verbs})\b", system, re.IGNORECASE)
        if match:
            return follow(_parted(system[match.end() :])[0], question)
    return PREFIX + question.strip() if question.strip() else WHO


def _parted(rest: str) -> tuple[str, str]:
    match = re.match(r"([^\n]{0,300}):\n\s*(.+)", rest, re.DOTALL)
    match = match or re.match(r"([^:\n]{0,300})[:\n]\s*(.+)", rest, re.DOTALL)
    return (match[1], match[2]) if match else (rest, rest.strip())


def _list(head: str, content: str) -> str:
    number = re.search(r"\d+", head)
    count = min(int(number[0]), 100) if number else 3
    pieces = (
        [piece.strip() for piece in re.split(r"[,\n;]", content) if piece.strip()]
        if content != head.strip()
        else []
    )
    subject = re.sub(r"\d+", "", head).strip(" .") or "item"
    items = [pieces[n] if n < len(pieces) else f"{subject} {n + 1}" for n in range(count)]
    return "\n".join(f"{n + 1}. {item}" for n, item in enumerate(items))


def _classify(head: str, content: str) -> str:
    names = re.split(r",\s*|\s+or\s+", re.sub(r"^.*?\b(?:as|into)\s+", "", head.strip(), flags=re.IGNORECASE))
    labels = [name.strip(" .'\"") for name in names if name.strip(" .'\"")] or ["unknown"]
    words = re.findall(r"\w+", content.lower())
    return max(labels, key=lambda label: sum(words.count(word) for word in re.findall(r"\w+", label.lower())))


def _calculate(head: str, content: str) -> str:
    match = re.search(r"(-?\d+(?:\.\d+)?)\s*([-+*/])\s*(-?\d+(?:\.\d+)?)", content)
    if not match:
        return PREFIX + content
    a, b = float(match[1]), float(match[3])
    if match[2] == "/" and not b:
        return "That cannot be divided by zero."
    value = {"+": a + b, "-": a - b, "*": a * b, "/": a / b if b else 0.0}[match[2]]
    return f"{value:g}"


_INSTRUCTIONS = (
    (r"who are you|what are you|what is your name", lambda head, content: WHO),
    (r"repeat(?:\s+after\s+me)?|say|echo", lambda head, content: content),
    (r"upper\s?case|write in capitals", lambda head, content: content.upper()),
    (r"lower\s?case", lambda head, content: content.lower()),
    (r"reverse", lambda head, content: content[::-1]),
    (r"summari[sz]e|give a summary|write a summary|tl;dr", lambda head, content: first_sentence(content)),
    (r"count the words|count words", lambda head, content: str(len(content.split()))),
    (r"list", _list),
    (r"classify", _classify),
    (r"what is(?=\s+-?\d)|calculate|compute", _calculate),
    (
        r"translate",
        lambda head, content: (
            "I cannot translate: I am echo, the local demo model. Add a credential for a provider of models."
        ),
    ),
)
"""Patterns of verbs, and what is done with (the rest of the instruction, the text that it is about)."""
