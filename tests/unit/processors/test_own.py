"""What a run has for itself: its log, its state, its budget; and pins of media."""

from __future__ import annotations

from structlog.testing import capture_logs

from millstream import Audio, Context, Image, Json, Log, Markdown, State, Table, Video, block
from millstream.testing import MemoryKeyValue, context, emits


@block
async def counter(step: int = 1, *, state: State, log: Log, ctx: Context) -> int:
    """Count up, each node for itself."""
    count: int = (await state.get("count") or 0) + step
    await state.set("count", count)
    ctx.spend(300)
    log.info("counted", count=count, key="sk-canary-123", many=["sk-canary-123"])
    return count


async def test_each_node_has_a_state_of_its_own() -> None:
    kv = MemoryKeyValue()
    for node, expected in (("a", 1), ("a", 2), ("b", 1)):
        assert await emits(counter, {}, context(kv=kv, node_id=node)) == [("result", expected)]
    assert await emits(counter, {}, context(kv=kv, node_id="a", graph_id="other")) == [("result", 1)]


async def test_lines_have_ids_and_no_secrets() -> None:
    ctx = context(node_id="n")
    ctx.trusted().mask.add_texts(["sk-canary-123"])
    with capture_logs() as lines:
        await emits(counter, {}, ctx)
    [line] = lines
    assert (line["event"], line["count"], line["node_id"]) == ("counted", 1, "n")
    assert line["execution_id"] == ctx.execution_id
    assert "canary" not in str(line)


async def test_the_budget_shrinks_with_what_is_spent() -> None:
    assert context().budget_left is None
    ctx = context(budget_microusd=1000)
    await emits(counter, {}, ctx)
    assert ctx.budget_left == 700
    ctx.spend(5000)
    assert ctx.budget_left == 0


@block
async def media(
    picture: Image, sound: Audio, film: Video, page: Markdown, rows: Table, data: Json = None
) -> Table:
    """Take everything."""
    return rows


async def test_media_are_references_with_a_format() -> None:
    pins = media.spec.input_schema["properties"]
    assert {pin: schema["format"] for pin, schema in pins.items()} == {
        "picture": "file",
        "sound": "file",
        "film": "file",
        "page": "markdown",
        "rows": "table",
        "data": "json",
    }
    assert (pins["picture"]["type"], pins["picture"]["contentMediaType"]) == ("string", "image/*")
    assert media.spec.output_schema["properties"]["result"]["format"] == "table"
    inputs = {"picture": "workspace://1", "sound": "s", "film": "f", "page": "# a", "rows": [{"a": 1}]}
    assert await emits(media, inputs) == [("result", [{"a": 1}])]
