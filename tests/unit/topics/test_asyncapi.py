"""The AsyncAPI document, against the official JSON schema (`@asyncapi/specs` 6.11.1, Apache-2.0, without its examples)."""

from __future__ import annotations

import gzip
import html.parser
import json
from pathlib import Path
from typing import Any

import fastavro
import jsonschema_rs
import pytest

from millstream.api.asyncapi.page import page_of
from millstream.api.asyncapi.router import POLICY
from millstream.cli import documents
from millstream.schemas.headers import cloud_event
from millstream.schemas.messages import MESSAGES, Events, Feed, StoreEvent
from millstream.topics.asyncapi import document
from millstream.topics.catalogue import Topic, catalogue

OFFICIAL = Path(__file__).parents[2] / "data" / "asyncapi-3.0.0.schema.json.gz"


@pytest.fixture(scope="module")
def made() -> dict[str, Any]:
    return document("1.2.3")


def problems_of(made: Any) -> list[str]:
    validator = jsonschema_rs.Draft7Validator(json.loads(gzip.decompress(OFFICIAL.read_bytes())))
    return [f"{error.instance_path}: {error.message[:200]}" for error in validator.iter_errors(made)]


def test_it_is_valid(made: dict[str, Any]) -> None:
    assert problems_of(made) == []


def test_the_check_notices_mistakes(made: dict[str, Any]) -> None:
    mistakes: list[dict[str, Any]] = [
        {"asyncapi": "2.0"},
        {"channels": {"a": {"adress": "a"}}},
        {"operations": {"x": {"action": "publish"}}},
    ]
    for mistake in mistakes:
        assert problems_of(made | mistake)
    message = made["components"]["messages"]["Feed"]
    wrong = message | {"payload": message["payload"] | {"schema": {"type": "record", "name": "x"}}}
    assert problems_of(made | {"components": {"messages": {"Feed": wrong}}})


def test_references_lead_somewhere(made: dict[str, Any]) -> None:
    def follow(part: Any) -> None:
        if isinstance(part, dict):
            if isinstance(ref := part.get("$ref"), str):
                found: Any = made
                for step in ref.removeprefix("#/").split("/"):
                    found = found[step]
            for inner in part.values():
                follow(inner)
        elif isinstance(part, list):
            for inner in part:
                follow(inner)

    follow(made)


def test_it_has_every_topic_and_message_with_schemas_that_avro_reads(made: dict[str, Any]) -> None:
    assert set(made["channels"]) == {topic.name for topic in catalogue()}
    assert set(made["components"]["messages"]) == {cls.__name__ for cls in MESSAGES}
    for message in made["components"]["messages"].values():
        fastavro.parse_schema(json.loads(json.dumps(message["payload"]["schema"])))
        assert (documents.FOLDER.parent / message["x-schema-file"]).is_file()


def test_public_are_the_topics_whose_records_have_cloud_events() -> None:
    public = {name for topic in catalogue() if topic.public for name in topic.messages}
    assert public == {cls.__name__ for cls in (Events, Feed, StoreEvent)}
    feed = Feed(
        user_id="u", execution_id=bytes(16), graph_id="g", graph_version=1, status="QUEUED", sequence=0, at=1
    )
    assert cloud_event(feed)


def test_the_files_are_up_to_date() -> None:
    for name, text in documents.pages().items():
        assert (documents.FOLDER / name).read_text() == text, f"{name}: run `millstream documents`"


class Reader(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


def test_the_page_has_no_scripts_and_loads_nothing(made: dict[str, Any]) -> None:
    reader = Reader()
    reader.feed(page_of(made))
    assert not {"script", "img", "link", "iframe", "object"} & set(reader.tags)
    assert not [name for name, _ in reader.attributes if name.startswith("on") or name in ("src", "style")]
    assert all((value or "").startswith("#") for name, value in reader.attributes if name == "href")
    assert "unsafe" not in POLICY
    assert POLICY.startswith("default-src 'none'")


def test_texts_on_the_page_are_escaped() -> None:
    evil = Topic(name="a.b", key="<b>", messages=("Feed",), about="<script>alert(1)</script>")
    assert "<script" not in page_of(document("1", (evil,)))
