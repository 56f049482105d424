"""The AsyncAPI document as a page: no scripts, nothing from elsewhere, every text escaped. Pure."""

from __future__ import annotations

import html
import re
from typing import Any

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}"
    "h2{margin-top:2.5rem;border-top:1px solid #ddd;padding-top:1rem}code{font-size:.9em}"
    "table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;padding:.25rem .75rem .25rem 0;"
    "border-bottom:1px solid #eee}"
)


def page_of(document: dict[str, Any]) -> str:
    """Return the page."""
    info = document["info"]
    title = _text(f"{info['title']} {info['version']}: topics")
    channels = sorted(document["channels"].items(), key=lambda pair: not pair[1]["x-public"])
    contents = "".join(
        f'<li><a href="#{_text(name)}"><code>{_text(name)}</code></a></li>' for name, _ in channels
    )
    sections = "".join(_channel(name, channel, document) for name, channel in channels)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>{STYLE}</style></head>'
        f"<body><main><h1>{title}</h1><p>{_prose(info['description'])}</p><nav><ul>{contents}</ul></nav>"
        f"{sections}</main></body></html>"
    )


def _channel(name: str, channel: dict[str, Any], document: dict[str, Any]) -> str:
    kafka = channel["bindings"]["kafka"]
    facts = [("For", "consumer groups of yours" if channel["x-public"] else "the platform itself")]
    facts += [("Partitions", kafka["partitions"])]
    facts += [(key, value) for key, value in kafka["topicConfiguration"].items()]
    rows = "".join(
        f"<tr><th scope=row>{_text(key)}</th><td>{_text(_plain(value))}</td></tr>" for key, value in facts
    )
    messages = "".join(_message(document["components"]["messages"][each]) for each in channel["messages"])
    return (
        f'<section><h2 id="{_text(name)}"><code>{_text(name)}</code></h2><p>{_prose(channel["description"])}</p>'
        f"<table>{rows}</table>{messages}</section>"
    )


def _message(message: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><td><code>{_text(field['name'])}</code></td><td><code>{_text(_type(field['type']))}</code></td>"
        f"<td>{_prose(field.get('doc', ''))}</td></tr>"
        for field in message["payload"]["schema"]["fields"]
    )
    return (
        f"<h3>{_text(message['title'])}</h3><p>{_prose(message['summary'])} Schema id {_text(message['x-schema-id'])}, "
        f"<code>{_text(message['x-schema-file'])}</code>.</p>"
        f"<table><tr><th scope=col>Field</th><th scope=col>Type</th><th scope=col>About</th></tr>{rows}</table>"
    )


def _type(avro: Any) -> str:
    """Name an Avro type in a few words."""
    if isinstance(avro, str):
        return avro.rpartition(".")[2]
    if isinstance(avro, list):
        return " or ".join(map(_type, avro))
    if avro["type"] == "array":
        return f"list of {_type(avro['items'])}"
    if avro["type"] == "enum":
        return " | ".join(avro["symbols"])
    return str(avro.get("name", avro["type"]))


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _prose(value: Any) -> str:
    """Return a sentence, with what stands between backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", _text(value))


def _text(value: Any) -> str:
    return html.escape(str(value))
