"""Rules of single blocks that samples do not show: state between calls, large data, randomness."""

from __future__ import annotations

import asyncio
import base64
import io
import zipfile
from collections import Counter
from random import Random
from typing import Any

import pytest

from millstream.processors import sampling
from millstream.processors.blocks import basic, encoding, files, flow, memory, text, times, web
from millstream.processors.blocks import sampling as sampling_block
from millstream.processors.context import Park, Review
from millstream.processors.guards.http import GuardedHttp
from millstream.processors.parsing import feed_entries, page, xml_object
from millstream.processors.sampling import KEYED, PLAIN
from millstream.schemas.errors import BlockError, BlockExecutionError, BlockInputError
from millstream.testing import MemoryKeyValue, Silent, context, emits, run
from tests.unit.processors.conftest import Request, answer, serving

ITEM = (
    "<item><title>{0}</title><link>http://x/{0}</link><pubDate>Tue, 10 Jun 2098 04:00:00 GMT</pubDate></item>"
)


def feed(*names: str) -> str:
    items = "".join(ITEM.format(name) for name in names)
    return f"<rss version='2.0'><channel><title>t</title>{items}</channel></rss>"


async def test_a_feed_is_polled_and_gives_each_item_once() -> None:
    pages = [feed("a"), feed("b", "a"), feed("b", "a")]

    async def handle(request: Request, writer: asyncio.StreamWriter) -> None:
        await answer(writer, 200, pages.pop(0).encode(), Content_Type="text/xml")

    async with serving(handle) as server, GuardedHttp(allow=frozenset({server.origin})) as http:
        inputs = {"rss_url": server.url, "polling_rate": 30}
        got = await emits(web.read_rss_feed, inputs, context(http=http), wakes=2)
    titles = [value["title"] if pin == "entry" else [e["title"] for e in value] for pin, value in got]
    assert titles == ["a", ["a"], "b", ["b"], []]


async def test_polling_parks_instead_of_sleeping() -> None:
    async def handle(request: Request, writer: asyncio.StreamWriter) -> None:
        await answer(writer, 200, feed("a").encode())

    async with serving(handle) as server, GuardedHttp(allow=frozenset({server.origin})) as http:
        inputs = {"rss_url": server.url, "polling_rate": 30}
        *_, last = [emit async for emit in web.read_rss_feed.run(inputs, context(http=http))]
    assert isinstance(last, Park)
    assert last.delay_s == 30.0
    assert len(last.state["seen"]) == 1


def test_atom_and_entities_in_feeds() -> None:
    atom = (
        "<feed xmlns='http://www.w3.org/2005/Atom'><title>t</title><entry><title>A &amp; B</title>"
        "<link href='http://x/1'/><id>i</id><updated>2026-01-02T03:04:05+02:00</updated><summary>s</summary>"
        "<category term='c'/></entry></feed>"
    )
    [entry] = feed_entries(base64.b64encode(atom.encode()).decode())
    assert entry == {
        "title": "A & B",
        "link": "http://x/1",
        "description": "s",
        "pub_date": "2026-01-02T01:04:05+00:00",
        "author": "",
        "categories": ["c"],
        "id": "i",
    }


async def test_a_hostile_feed_cannot_hold_up_the_worker() -> None:
    entities = "".join(f"<!ENTITY e{n} '{f'&e{n - 1};' * 20}'>" for n in range(1, 12))
    item = "<item><title>&e11;</title></item>"
    bomb = f"<!DOCTYPE rss [<!ENTITY e0 'x'>{entities}]><rss version='2.0'><channel>{item}</channel></rss>"

    async def handle(request: Request, writer: asyncio.StreamWriter) -> None:
        await answer(writer, 200, bomb.encode())

    async with serving(handle) as server, GuardedHttp(allow=frozenset({server.origin})) as http:
        inputs = {"rss_url": server.url, "polling_rate": 30, "run_continuously": False, "time_period": 10}
        try:
            got = await emits(web.read_rss_feed, inputs, context(http=http))
            assert len(str(got)) < 10_000
        except BlockError as error:
            assert "feed" in str(error)  # noqa: PT017 - either way the worker lives


async def test_a_request_carries_its_idempotency_key_and_files() -> None:
    async def handle(request: Request, writer: asyncio.StreamWriter) -> None:
        await answer(writer, 200, b"\x89PNG\r\n\x1a\n", Content_Type="image/png")

    async with serving(handle) as server, GuardedHttp(allow=frozenset({server.origin})) as http:
        ctx = context(http=http)
        [(pin, ref)] = await emits(web.send_web_request, {"url": server.url, "body": {"a": 1}}, ctx)
        assert pin == "response"
        assert (await ctx.files.read(ref)).media_type == "image/png"
        inputs = {"url": server.url, "body": {"a": [1]}, "json_format": False}
        await emits(web.send_web_request, inputs, ctx)
        await emits(
            web.send_web_request, {"url": server.url, "body": {"a": 1}, "files": ["data:,hello"]}, ctx
        )
    first, form, multipart = server.requests
    assert first.headers["idempotency-key"] == ctx.node_execution_id
    assert (first.body, first.headers["content-type"]) == (b'{"a":1}', "application/json")
    assert form.body == b"a=%5B1%5D"
    assert b'name="a"' in multipart.body
    assert b'filename="file"' in multipart.body
    assert b"hello" in multipart.body


@pytest.mark.parametrize(("status", "pin"), [(201, "response"), (404, "client_error"), (503, "server_error")])
async def test_statuses_have_pins(status: int, pin: str) -> None:
    async def handle(request: Request, writer: asyncio.StreamWriter) -> None:
        await answer(writer, status, b"not json", Content_Type="application/json")

    async with serving(handle) as server, GuardedHttp(allow=frozenset({server.origin})) as http:
        got = await emits(web.send_web_request, {"url": server.url}, context(http=http))
    assert got == [(pin, "not json")]


async def test_large_pages_and_texts_are_parsed_elsewhere() -> None:
    html = "<title>t</title><p>" + "word " * 100_000 + "</p>"
    assert await emits(web.page_text, {"html": html}) == [
        ("title", "t"),
        ("text", ("word " * 100_000).strip()),
    ]
    big = "[" + "1," * 200_000 + "1]"
    assert len(await run(encoding.json_decode, text=big)) == 200_001
    xml = "<a>" + "<b>1</b>" * 50_000 + "</a>"
    assert len((await run(encoding.xml_parser, input_xml=xml))[0][1]["a"]) == 50_000
    csv = "a,b\n" + "1,2\n" * 100_000
    [(_, rows)] = await emits(files.read_spreadsheet, {"contents": csv})
    assert (len(rows), rows[-1]) == (100_000, {"a": "1", "b": "2"})


def test_pages_of_odd_forms() -> None:
    assert page("") == {"title": "", "text": ""}
    assert page("just text") == {"title": "", "text": "just text"}
    assert page("<p>a<br>b <i>c</i></p><ul><li>d<li>e</ul>")["text"] == "a\nb c\nd\ne"
    assert page("<script>x</script><style>y</style><p>a</p>")["text"] == "a"


def test_xml_of_odd_forms() -> None:
    assert xml_object("<a/>") == {"a": ""}
    assert xml_object("<a id='1'>x<b/>y</a>") == {"a": {"@id": "1", "b": "", "#text": "xy"}}
    for hostile in (
        "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>",
        "<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>",
        "<a>" * 600 + "</a>" * 600,
        "",
    ):
        with pytest.raises(BlockExecutionError):
            xml_object(hostile)


async def test_deep_json_is_an_error_not_a_crash() -> None:
    with pytest.raises(BlockExecutionError):
        await run(encoding.json_decode, text="[" * 100_000)


def _workbook() -> bytes:
    """A small xlsx, by hand."""
    kind = "http://schemas.openxmlformats.org"
    parts = {
        "[Content_Types].xml": f"<Types xmlns='{kind}/package/2006/content-types'>"
        "<Default Extension='rels' ContentType='application/vnd.openxmlformats-package.relationships+xml'/>"
        "<Override PartName='/w.xml' ContentType='application/vnd.openxmlformats-officedocument"
        ".spreadsheetml.sheet.main+xml'/><Override PartName='/s.xml' ContentType="
        "'application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml'/></Types>",
        "_rels/.rels": f"<Relationships xmlns='{kind}/package/2006/relationships'><Relationship Id='r1' "
        f"Type='{kind}/officeDocument/2006/relationships/officeDocument' Target='xl/workbook.xml'/></Relationships>",
        "xl/workbook.xml": f"<workbook xmlns='{kind}/spreadsheetml/2006/main' "
        f"xmlns:r='{kind}/officeDocument/2006/relationships'><sheets><sheet name='S' sheetId='1' r:id='r1'/>"
        "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f"<Relationships xmlns='{kind}/package/2006/relationships'><Relationship Id='r1' "
        f"Type='{kind}/officeDocument/2006/relationships/worksheet' Target='worksheets/sheet1.xml'/></Relationships>",
        "xl/worksheets/sheet1.xml": f"<worksheet xmlns='{kind}/spreadsheetml/2006/main'><sheetData>"
        "<row r='1'><c r='A1' t='inlineStr'><is><t>name</t></is></c><c r='B1' t='inlineStr'><is><t>n</t></is></c></row>"
        "<row r='2'><c r='A2' t='inlineStr'><is><t>tea</t></is></c><c r='B2'><v>2</v></c></row>"
        "<row r='3'><c r='A3' t='inlineStr'><is><t>cup</t></is></c><c r='B3'><v>2.5</v></c></row></sheetData></worksheet>",
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return buffer.getvalue()


async def test_workbooks_are_read() -> None:
    ctx = context()
    ref = await ctx.files.write(_workbook(), name="a.xlsx")
    [(_, rows)] = await emits(files.read_spreadsheet, {"file_input": ref}, ctx)
    assert rows == [{"name": "tea", "n": "2"}, {"name": "cup", "n": "2.5"}]
    broken = await ctx.files.write(_workbook()[:300])
    with pytest.raises(BlockExecutionError, match="spreadsheet"):
        await emits(files.read_spreadsheet, {"file_input": broken}, ctx)


async def test_a_file_with_too_many_rows_says_so() -> None:
    with pytest.raises(BlockExecutionError, match="row_limit"):
        await run(files.file_read, file_input="data:," + "a;" * 10_001, delimiter=";")
    got = await run(files.file_read, file_input="data:," + "a;" * 10_001, delimiter=";", row_limit=2)
    assert got == [("content", "a"), ("content", "a")]


async def test_values_persist_per_scope() -> None:
    kv = MemoryKeyValue()
    mine, other = context(kv=kv, graph_id="g1"), context(kv=kv, graph_id="g2")
    await emits(memory.persist_information, {"key": "k", "value": 1}, mine)
    await emits(memory.persist_information, {"key": "k", "value": 2, "scope": "across_agents"}, mine)
    assert kv.values == {"agent#g1#k": 1, "global#k": 2}
    assert await emits(memory.retrieve_information, {"key": "k"}, mine) == [("value", 1)]
    assert await emits(memory.retrieve_information, {"key": "k"}, other) == [("value", None)]
    assert await emits(memory.retrieve_information, {"key": "k", "scope": "across_agents"}, other) == [
        ("value", 2)
    ]


async def test_a_countdown_parks_for_its_time() -> None:
    ctx = context()
    inputs = {"seconds": "1", "minutes": 1, "hours": 1, "days": 1, "repeat": 2}
    [park] = [emit async for emit in times.countdown_timer.run(inputs, ctx)]
    assert park == Park(90_061.0, {"left": 2})
    ctx.resumed = {"left": 2}
    again = [emit async for emit in times.countdown_timer.run(inputs, ctx)]
    assert again == [("output_message", "timer finished"), Park(90_061.0, {"left": 1})]
    ctx.resumed = {"left": 1}
    assert [e async for e in times.countdown_timer.run(inputs, ctx)] == [("output_message", "timer finished")]


async def test_a_review_is_asked_for() -> None:
    inputs = {"data": {"a": 1}, "name": "Send it?", "editable": False}
    [park] = [emit async for emit in flow.human_in_the_loop.run(inputs, context())]
    assert park == Park(None, None, Review(payload={"a": 1}, instructions="Send it?", editable=False))


async def test_print_shows_progress() -> None:
    progress = Silent()
    await emits(basic.print_to_console, {"text": "hi"}, context(progress=progress))
    assert progress.said == [(1.0, "hi")]


async def test_growth_is_refused_before_it_happens() -> None:
    with pytest.raises(BlockExecutionError, match="characters"):
        await run(text.text_replace, text="x" * 10_000, old="", new="y" * 10_000)
    with pytest.raises(BlockExecutionError, match="characters"):
        await run(text.combine_texts, input=[""] * 10_000, delimiter="y" * 10_000)


ROWS: list[Any] = [{"n": n, "g": "ab"[n % 3 == 0], "w": n} for n in range(30)]


@pytest.mark.parametrize("method", [*PLAIN, *KEYED])
def test_samples_have_their_size_and_no_repeats(method: str) -> None:
    for seed in range(50):
        key = {"stratified": "g", "weighted": "w", "cluster": "g"}.get(method)
        found = sampling_block.chosen(ROWS, 7, method, Random(seed), key)
        assert len(found) == len(set(found)) == 7
        assert set(found) <= set(range(30))
        assert found == sampling_block.chosen(ROWS, 7, method, Random(seed), key)
        assert sorted(sampling_block.chosen(ROWS, 99, method, Random(seed), key))[-1] == 29


def test_stratified_samples_keep_the_shares() -> None:
    found = sampling.stratified(ROWS, 9, Random(1), "g")
    assert Counter(ROWS[index]["g"] for index in found) == {"a": 6, "b": 3}


def test_weights_count() -> None:
    rows: list[Any] = [{"w": 0}, {"w": 1}, {"w": 9}]
    first = Counter(sampling.weighted(rows, 1, Random(seed), "w")[0] for seed in range(500))
    assert first[0] == 0
    assert first[2] > 5 * first[1]
    with pytest.raises(BlockInputError, match="no number"):
        sampling.weighted([{"w": "x"}], 1, Random(1), "w")
    with pytest.raises(BlockInputError, match="has no 'w'"):
        sampling.weighted([{}], 1, Random(1), "w")


async def test_rows_accumulate_until_there_are_enough() -> None:
    kv = MemoryKeyValue()
    inputs = {"sample_size": 3, "sampling_method": "top", "accumulate": True}
    same: dict[str, Any] = {"kv": kv, "execution_id": "e", "node_id": "n"}
    first = context(**same, node_execution_id="1")
    assert await emits(sampling_block.data_sampling, {**inputs, "data": [[1], [2]]}, first) == []
    assert await emits(sampling_block.data_sampling, {**inputs, "data": [[1], [2]]}, first) == [], "a repeat"
    second = context(**same, node_execution_id="2")
    got = await emits(sampling_block.data_sampling, {**inputs, "data": [[3]]}, second)
    assert got == [("sampled_data", [[1], [2], [3]]), ("sample_indices", [0, 1, 2])]
    assert kv.values == {}
