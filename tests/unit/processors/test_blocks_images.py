"""Pictures: what comes out, what is left behind, what is refused unseen."""

from __future__ import annotations

import base64
import io
import struct
import zlib
from typing import Any

import pytest
from PIL import Image, ImageDraw

from millstream.processors.blocks import images
from millstream.schemas.errors import BlockError, BlockInputError
from millstream.testing import context, emits


def ref(data: bytes) -> str:
    return "data:application/octet-stream;base64," + base64.b64encode(data).decode()


def photo(kind: str = "JPEG", mode: str = "RGB", size: tuple[int, int] = (60, 40), **options: Any) -> str:
    picture = Image.new(mode, size)
    ImageDraw.Draw(picture).rectangle((0, 0, size[0] // 2, size[1]), fill="white")
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return ref(out.getvalue())


async def made(block: Any, **inputs: Any) -> Image.Image:
    ctx = context()
    got = dict(await emits(block, inputs, ctx))
    content = await ctx.files.read(got["image"])
    picture: Image.Image = Image.open(io.BytesIO(content.data))
    picture.load()
    if picture.mode == "RGBA":
        picture = picture.convert("RGB")
    assert (got["width"], got["height"]) == picture.size
    return picture


async def test_a_photo_loses_where_it_was_taken_and_stands_upright() -> None:
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    exif[0x0112] = 6  # turn by 90 degrees to see it upright
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 0.0)
    source = photo(exif=exif, comment=b"secret note")
    info = dict(await emits(images.image_info, {"image": source}))
    assert info["exif"]["ImageDescription"] == "taken at home"
    assert (info["width"], info["height"], info["kind"]) == (40, 60, "JPEG")
    for block, more in (
        (images.convert_image, {"kind": "JPEG"}),
        (images.resize_image, {"width": 20}),
        (images.crop_image, {"width": 40, "height": 60}),
    ):
        picture = await made(block, image=source, **more)
        assert picture.width < picture.height
        assert not picture.getexif()
        assert "comment" not in picture.info
        assert b"secret" not in str(picture.info).encode()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16", "CMYK"])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
async def test_every_mode_can_be_written_as_every_kind(mode: str, kind: Any) -> None:
    out = io.BytesIO()
    Image.new(mode, (3, 2)).save(out, "TIFF")
    picture = await made(images.convert_image, image=ref(out.getvalue()), kind=kind)
    assert picture.format in (kind, None)
    assert picture.size == (3, 2)


def bomb(width: int, height: int) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(min((width // 8 + 1) * height, 1_000_000)), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize(("width", "height"), [(60_000, 60_000), (30_000, 10), (2**31 - 1, 2**31 - 1)])
async def test_a20_a_bomb_is_refused_before_it_is_unpacked(width: int, height: int) -> None:
    with pytest.raises(BlockInputError, match="pixels"):
        await emits(images.resize_image, {"image": ref(bomb(width, height)), "width": 10})


@pytest.mark.parametrize(
    "data",
    [
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n(%pipe%touch /tmp/x) (w) file\n",
        b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>",
        b"8BPS" + bytes(40),
        b"\x89PNG\r\n\x1a\n" + bytes(40),
        b"",
        b"\xff\xd8\xff\xe0" + bytes(500),
    ],
)
async def test_what_is_no_picture_of_a_known_kind_is_refused(data: bytes) -> None:
    with pytest.raises(BlockError):
        await emits(images.convert_image, {"image": ref(data)})


async def test_the_parts_are_where_they_should_be() -> None:
    source = photo("PNG")
    left = await made(images.crop_image, image=source, width=10, height=10)
    right = await made(images.crop_image, image=source, left=45, width=100, height=100)
    assert (left.getpixel((5, 5)), right.getpixel((5, 5))) == ((255, 255, 255), (0, 0, 0))
    assert right.size == (15, 40)
    mirrored = await made(images.turn_image, image=source, mirror="left to right")
    assert mirrored.getpixel((5, 5)) == (0, 0, 0)
    turned = await made(images.turn_image, image=source, degrees=90)
    assert (turned.size, turned.getpixel((5, 5)), turned.getpixel((5, 55))) == (
        (40, 60),
        (255, 255, 255),
        (0, 0, 0),
    )
    padded = await made(
        images.resize_image, image=photo("PNG", size=(60, 20)), width=60, height=60, how="pad"
    )
    assert (padded.size, padded.getpixel((59, 1))) == ((60, 60), (255, 255, 255))


async def test_text_and_logo_stand_in_their_corner() -> None:
    black = photo("PNG", size=(400, 200))
    written = await made(
        images.write_on_image, image=black, text="Hello " * 30, color="#ff0000", place="top right", size=20
    )
    red = [x for x in range(400) for y in range(200) if written.getpixel((x, y)) == (255, 0, 0)]
    assert red
    assert max(red) < 400, "lines break at the edge"
    logo = photo("PNG", "RGBA", (20, 20))
    laid = await made(images.overlay_image, image=black, overlay=logo, share=0.1, place="bottom right")
    assert laid.getpixel((395, 100)) == (0, 0, 0)
