"""Pictures: resize, crop, turn, convert, describe, write on, lay over each other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from pydantic import Field

from millstream.processors import pictures
from millstream.processors.annotations import Advanced, Emit, FileRef, Outputs
from millstream.processors.blocks.spreadsheets import is_file
from millstream.processors.file_work import opened, packed, renamed, unpacked, worked
from millstream.processors.samples import Sample
from millstream.processors.sdk import block
from millstream.processors.services import FileContent, Files

Kind = Literal["as it is", "PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"]
Place = Literal[
    "top left", "top", "top right", "left", "center", "right", "bottom left", "bottom", "bottom right"
]
Side = Annotated[int, Field(ge=1, le=10_000)]
Quality = Advanced[Annotated[int, Field(ge=1, le=100)]]

DOT = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAQAAAACCAIAAADwyuo0AAAAEElEQVR4nGP8z4AATEhsBgAZNQEDGy9LEgAA"
    "AABJRU5ErkJggg=="
)
"""A red picture of 4 x 2 pixels."""
_MADE = [("image", is_file), ("width", int), ("height", int)]


class Picture(Outputs):
    """Pins of blocks that make a picture."""

    image: FileRef
    width: int
    height: int


async def read(files: Files, ref: str) -> FileContent:
    """A picture by its content. Errors: BlockInputError."""
    return await opened(files, ref, ("image/", "application/octet-stream"), "a picture")


async def _kept(made: dict[str, Any], name: str, files: Files) -> list[tuple[str, Any]]:
    ref = await files.write(unpacked(made["data"]), name=renamed(name, made["ending"], "picture"))
    return [("image", ref), ("width", made["width"]), ("height", made["height"])]


@block(
    categories=("MULTIMEDIA",),
    lane="cpu",
    timeout_s=120,
    samples=[
        Sample({"image": DOT, "width": 8}, [("image", is_file), ("width", 8), ("height", 4)]),
        Sample(
            {"image": DOT, "width": 3, "height": 3, "how": "fill"},
            [("image", is_file), ("width", 3), ("height", 3)],
        ),
        Sample({"image": DOT}, raises="block_input_invalid"),
        Sample({"image": "data:,text", "width": 3}, raises="block_input_invalid"),
    ],
)
async def resize_image(
    image: FileRef,
    width: Side | None = None,
    height: Side | None = None,
    how: Literal["fit", "fill", "pad", "stretch"] = "fit",
    kind: Advanced[Kind] = "as it is",
    quality: Quality = 85,
    *,
    files: Files,
) -> AsyncIterator[Emit[Picture]]:
    """Make a picture smaller or larger, such as a thumbnail. Data that came along, such as where it was taken,
    is dropped.

    image: The picture; going out, the new one.
    width: Pixels across; going out, those it has. Without one it follows from the height.
    height: Pixels down; going out, those it has. Without one it follows from the width.
    how: `fit` inside, `fill` and cut off what sticks out, `pad` with white, or `stretch`.
    kind: What it is written as.
    quality: Of JPEG and WEBP.
    """
    content = await read(files, image)
    made = await worked(
        pictures.resize, packed(content), width, height, how, kind, quality, what="Resizing this picture"
    )
    for pin, value in await _kept(made, content.name, files):
        yield pin, value


@block(
    categories=("MULTIMEDIA",),
    lane="cpu",
    timeout_s=120,
    samples=[
        Sample(
            {"image": DOT, "left": 3, "width": 5, "height": 1},
            [("image", is_file), ("width", 1), ("height", 1)],
        ),
        Sample({"image": DOT, "left": 4, "width": 1, "height": 1}, raises="block_input_invalid"),
    ],
)
async def crop_image(
    image: FileRef,
    width: Side,
    height: Side,
    left: Annotated[int, Field(ge=0)] = 0,
    top: Annotated[int, Field(ge=0)] = 0,
    kind: Advanced[Kind] = "as it is",
    *,
    files: Files,
) -> AsyncIterator[Emit[Picture]]:
    """Cut a part out of a picture.

    image: The picture; going out, the part.
    width: Pixels across; going out, those it has.
    height: Pixels down; going out, those it has.
    left: Pixels from the left edge.
    top: Pixels from the upper edge.
    kind: What it is written as.
    """
    content = await read(files, image)
    made = await worked(
        pictures.crop, packed(content), left, top, width, height, kind, what="Cutting this picture"
    )
    for pin, value in await _kept(made, content.name, files):
        yield pin, value


@block(
    categories=("MULTIMEDIA",),
    lane="cpu",
    timeout_s=120,
    samples=[
        Sample({"image": DOT, "degrees": 90}, [("image", is_file), ("width", 2), ("height", 4)]),
        Sample({"image": DOT, "mirror": "left to right"}, [("image", is_file), ("width", 4), ("height", 2)]),
    ],
)
async def turn_image(
    image: FileRef,
    degrees: Annotated[float, Field(ge=-360, le=360)] = 0,
    mirror: Literal["no", "left to right", "top to bottom"] = "no",
    kind: Advanced[Kind] = "as it is",
    *,
    files: Files,
) -> AsyncIterator[Emit[Picture]]:
    """Turn or mirror a picture.

    image: The picture; going out, the turned one.
    degrees: How far, clockwise.
    mirror: Which way.
    kind: What it is written as.
    width: Its pixels across.
    height: Its pixels down.
    """
    content = await read(files, image)
    made = await worked(pictures.turn, packed(content), degrees, mirror, kind, what="Turning this picture")
    for pin, value in await _kept(made, content.name, files):
        yield pin, value


@block(
    categories=("MULTIMEDIA",),
    lane="cpu",
    timeout_s=120,
    samples=[Sample({"image": DOT, "kind": kind}, _MADE) for kind in ("JPEG", "WEBP", "GIF", "BMP", "TIFF")],
)
async def convert_image(
    image: FileRef, kind: Kind = "PNG", grey: bool = False, quality: Quality = 85, *, files: Files
) -> AsyncIterator[Emit[Picture]]:
    """Write a picture as another kind, without data that came along, such as where it was taken.

    image: The picture; going out, the new one.
    kind: What it is written as. JPEG has no transparency: it becomes white.
    grey: Take its colours away.
    quality: Of JPEG and WEBP.
    width: Its pixels across.
    height: Its pixels down.
    """
    content = await read(files, image)
    made = await worked(
        pictures.convert, packed(content), kind, quality, grey, what="Converting this picture"
    )
    for pin, value in await _kept(made, content.name, files):
        yield pin, value


class About(Outputs):
    """Pins of ImageInfoBlock."""

    width: int
    height: int
    kind: str
    transparent: bool
    frames: int
    color: str
    exif: dict[str, str]


@block(
    categories=("MULTIMEDIA", "DATA"),
    lane="cpu",
    timeout_s=60,
    samples=[
        Sample(
            {"image": DOT},
            [
                ("width", 4),
                ("height", 2),
                ("kind", "PNG"),
                ("transparent", False),
                ("frames", 1),
                ("color", "#ff0000"),
                ("exif", {}),
            ],
        ),
        Sample({"image": "data:image/png;base64,iVBORw0KGgoAAAAN"}, raises="block_input_invalid"),
    ],
)
async def image_info(image: FileRef, *, files: Files) -> AsyncIterator[Emit[About]]:
    """Tell what a picture is.

    image: The picture.
    width: Pixels across.
    height: Pixels down.
    kind: PNG, JPEG, WEBP, GIF, BMP or TIFF.
    transparent: Whether it may be transparent.
    frames: How many pictures are in it.
    color: Its colour on average.
    exif: What a camera wrote into it.
    """
    found = await worked(
        pictures.describe, packed(await read(files, image)), what="Reading this picture", timeout_s=30.0
    )
    for pin, value in found.items():
        yield pin, value


@block(
    categories=("MULTIMEDIA",),
    lane="cpu",
    timeout_s=120,
    samples=[
        Sample({"image": DOT, "text": "Hi", "background": "#00000080"}, _MADE),
        Sample({"image": DOT, "text": "Hi", "color": "reddish"}, raises="block_input_invalid"),
    ],
)
async def write_on_image(
    image: FileRef,
    text: Annotated[str, Field(min_length=1, max_length=2000)],
    place: Place = "bottom",
    size: Annotated[int, Field(ge=6, le=500)] = 32,
    color: str = "white",
    background: str = "",
    kind: Advanced[Kind] = "as it is",
    *,
    files: Files,
) -> AsyncIterator[Emit[Picture]]:
    """Write a text onto a picture, in as many lines as it needs.

    image: The picture; going out, the new one.
    text: The text.
    place: Where.
    size: Height of the letters in pixels.
    color: Their colour, such as `white`, `#ff0000` or `#ff000080`.
    background: Colour of a frame behind them; none without one.
    kind: What it is written as.
    width: Its pixels across.
    height: Its pixels down.
    """
    content = await read(files, image)
    made = await worked(
        pictures.overlay,
        packed(content),
        text,
        place,
        size,
        color,
        background,
        kind,
        what="Writing on this picture",
    )
    for pin, value in await _kept(made, content.name, files):
        yield pin, value


@block(
    categories=("MULTIMEDIA",),
    lane="cpu",
    timeout_s=120,
    samples=[Sample({"image": DOT, "overlay": DOT, "share": 0.5, "opacity": 0.5}, _MADE)],
)
async def overlay_image(
    image: FileRef,
    overlay: FileRef,
    place: Place = "bottom right",
    share: Annotated[float, Field(gt=0, le=1)] = 0.25,
    opacity: Annotated[float, Field(ge=0, le=1)] = 1.0,
    kind: Advanced[Kind] = "as it is",
    *,
    files: Files,
) -> AsyncIterator[Emit[Picture]]:
    """Lay a picture onto another, such as a logo or a watermark.

    image: The picture below; going out, the new one.
    overlay: The picture on top.
    place: Where.
    share: How much of the width and height below it may take.
    opacity: How much it covers what is below.
    kind: What it is written as.
    width: Its pixels across.
    height: Its pixels down.
    """
    below, above = await read(files, image), await read(files, overlay)
    made = await worked(
        pictures.compose,
        packed(below),
        packed(above),
        place,
        share,
        opacity,
        kind,
        what="Laying these pictures",
    )
    for pin, value in await _kept(made, below.name, files):
        yield pin, value
