"""PDFs, archives, charts and codes: what comes out, and what hostile files cannot do."""

from __future__ import annotations

import base64
import io
import stat
import tarfile
import zipfile
from typing import Any

import pytest
from PIL import Image
from pypdf import PdfReader, PdfWriter

from millstream.processors import archives as archives_work
from millstream.processors import pdfs
from millstream.processors.blocks import archives, charts, documents
from millstream.schemas.errors import BlockError, BlockExecutionError, BlockInputError
from millstream.testing import context, emits


def ref(data: bytes, kind: str = "application/octet-stream") -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def page(text: str) -> bytes:
    """A PDF with one page that says `text`, written by hand."""
    content = f"BT /F1 12 Tf 10 50 Td ({text}) Tj ET".encode()
    parts = [
        b"<< /Type /Catalog /Pages 2 0 R /OpenAction << /S /JavaScript /JS (app.alert\\(1\\)) >> >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 100] /Contents 4 0 R /Resources "
        b"<< /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> "
        b"/AA << /O << /S /JavaScript /JS (app.alert\\(2\\)) >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
    ]
    out = b"%PDF-1.4\n"
    places = []
    for number, part in enumerate(parts, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, part)
    start = len(out)
    out += b"xref\n0 5\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % place for place in places)
    return out + b"trailer << /Size 5 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % start


async def test_pdfs_are_put_together_taken_apart_and_read() -> None:
    ctx = context()
    merged = dict(
        await emits(documents.merge_pdfs, {"inputs": [ref(page(t)) for t in ("One", "Two", "Three")]}, ctx)
    )
    assert merged["page_count"] == 3
    taken = dict(
        await emits(documents.pdf_pages, {"file": merged["file"], "pages": "3,1-2", "turn": 90}, ctx)
    )
    read = dict(await emits(documents.pdf_text, {"file": taken["file"]}, ctx))
    assert (read["pages"], read["page_count"], read["text"]) == (
        ["Three", "One", "Two"],
        3,
        "Three\n\nOne\n\nTwo",
    )
    some = dict(await emits(documents.pdf_text, {"file": taken["file"], "pages": "2-"}, ctx))
    assert some["pages"] == ["One", "Two"]
    content = await ctx.files.read(taken["file"])
    assert b"JavaScript" not in content.data, "scripts stay behind"
    assert PdfReader(io.BytesIO(content.data)).pages[0].rotation == 90


async def test_a_locked_pdf_asks_for_its_password() -> None:
    writer = PdfWriter(clone_from=io.BytesIO(page("Secret")))
    writer.encrypt("open", algorithm="AES-256")
    out = io.BytesIO()
    writer.write(out)
    locked = ref(out.getvalue())
    with pytest.raises(BlockInputError, match="password"):
        await emits(documents.pdf_text, {"file": locked})
    assert dict(await emits(documents.pdf_text, {"file": locked, "password": "open"}))["text"] == "Secret"


@pytest.mark.parametrize("pages", ["0", "2", "3-1", "a", "1-2-3", ",", "-0"])
def test_pages_that_are_not_there_are_input_errors(pages: str) -> None:
    with pytest.raises(BlockInputError):
        pdfs.chosen(pages, 1)
    assert pdfs.chosen("1-9", 3) == [0, 1, 2]


def zipped(files: dict[str, bytes], links: dict[str, str] | None = None) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
        for name, target in (links or {}).items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(info, target)
    return out.getvalue()


def tarred(files: dict[str, bytes], links: dict[str, str], mode: Any) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        for name, target in links.items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            archive.addfile(info)
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


OUT = ["../up.txt", "/etc/passwd", "a/../../up", "C:\\x", "..\\up", "a\\..\\..\\up"]


@pytest.mark.parametrize("kind", ["zip", "w", "w:gz", "w:bz2", "w:xz"])
async def test_a11_no_name_leads_out_of_an_archive_and_no_link_is_followed(kind: str) -> None:
    files = {"ok/a.txt": b"A", **{name: b"evil" for name in OUT}}
    links = {"link": "/etc/passwd"}
    data = zipped(files, links) if kind == "zip" else tarred(files, links, kind)
    ctx = context()
    got = await emits(archives.extract_archive, {"archive": ref(data)}, ctx)
    refs = dict(got)["files"]
    assert list(refs) == ["ok/a.txt"]
    assert (await ctx.files.read(refs["ok/a.txt"])).data == b"A"
    assert {skip["name"] for skip in dict(got)["skipped"]} >= {"link", "../up.txt", "/etc/passwd"}
    assert len(dict(got)["skipped"]) == len(OUT) + 1


@pytest.mark.parametrize("kind", ["zip", "w:gz", "w:xz"])
async def test_a20_a_bomb_is_refused_by_what_comes_out_of_it(kind: str) -> None:
    zeros = {f"{n}": bytes(9_000_000) for n in range(2)}
    data = zipped(zeros) if kind == "zip" else tarred(zeros, {}, kind)
    assert len(data) < 60_000
    with pytest.raises(BlockExecutionError, match="far more"):
        await emits(archives.extract_archive, {"archive": ref(data)})


async def test_a20_a_zip_that_lies_about_its_sizes_is_refused() -> None:
    data = bytearray(zipped({"a": bytes(5_000_000)}))
    place = data.index(b"PK\x01\x02") + 24
    data[place : place + 4] = (10).to_bytes(4, "little")
    try:
        got = dict(await emits(archives.extract_archive, {"archive": ref(bytes(data))}))
    except BlockError as error:
        assert "archive" in str(error)  # noqa: PT017
    else:
        raise AssertionError(f"it came out: {got}")


async def test_too_many_members_are_refused() -> None:
    data = zipped({f"{n}": b"" for n in range(archives_work.MEMBERS_LIMIT + 1)})
    with pytest.raises(BlockExecutionError, match="members"):
        await emits(archives.list_archive, {"file": ref(data)})


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz"])
async def test_what_is_packed_comes_out_again(kind: str) -> None:
    ctx = context()
    inputs = {"files": {"a.txt": "data:,one", "d/é.bin": ref(bytes(range(256)))}, "kind": kind}
    first = dict(await emits(archives.create_archive, inputs, ctx))
    second = dict(await emits(archives.create_archive, inputs, ctx))
    if kind != "tar.gz":
        assert (await ctx.files.read(first["archive"])).data == (await ctx.files.read(second["archive"])).data
    listed = dict(await emits(archives.list_archive, {"file": first["archive"]}, ctx))
    assert listed["files"] == [{"name": "a.txt", "size": 3}, {"name": "d/é.bin", "size": 256}]
    one = dict(await emits(archives.extract_archive, {"archive": first["archive"], "patterns": ["d/*"]}, ctx))
    assert list(one["files"]) == ["d/é.bin"]
    assert (await ctx.files.read(one["file"])).data == bytes(range(256))


async def drawn(**inputs: Any) -> Image.Image:
    ctx = context()
    got = dict(await emits(charts.draw_chart, inputs, ctx))
    return Image.open(io.BytesIO((await ctx.files.read(got["image"])).data)).convert("RGB")


async def test_a_chart_shows_its_numbers_and_never_runs_its_texts() -> None:
    hostile = "$\\frac{1}{0}$ \\input{/etc/passwd} <script>"
    rows = [{"n": n, "v": n * n, "name": hostile} for n in range(10)]
    picture = await drawn(rows=rows, x="n", y=["v"], title=hostile, width=400, height=300)
    assert picture.size == (400, 300)
    assert len(set(picture.get_flattened_data())) > 10
    assert (await drawn(rows=rows, x="name", y=["v"], kind="bar")).size == (800, 500)
    assert (await drawn(rows=rows, x="n", y=["v"], kind="scatter")).size == (800, 500)
    assert (await drawn(rows=rows, x="n", y=["v"], kind="histogram")).size == (800, 500)
    with pytest.raises(BlockInputError, match="from 0"):
        await drawn(rows=[{"a": "x", "b": -1}], x="a", y=["b"], kind="pie")
    with pytest.raises(BlockInputError, match="holds no numbers"):
        await drawn(rows=[{"a": 1, "b": "x"}], x="a", y=["b"])


async def test_a_code_is_a_square_of_its_text() -> None:
    ctx = context()
    got = dict(await emits(charts.make_qr_code, {"text": "https://example.org", "scale": 4}, ctx))
    content = await ctx.files.read(got["image"])
    picture = Image.open(io.BytesIO(content.data))
    side = (17 + 4 * got["version"] + 8) * 4
    assert (picture.size, content.media_type) == ((side, side), "image/png")
    svg = dict(await emits(charts.make_qr_code, {"text": "x", "kind": "SVG"}, ctx))
    assert (await ctx.files.read(svg["image"])).media_type == "image/svg+xml"
