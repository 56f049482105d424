"""Pictures by Pillow, as plain functions for a process of their own.

A picture's header is read before its pixels: too many pixels are refused unseen. What goes out is written anew,
without EXIF, positions, comments or anything else that came along; turned as EXIF said.
"""

from __future__ import annotations

import base64
import io
import warnings
from typing import Any, Final

from millstream.schemas.errors import BlockExecutionError, BlockInputError

PIXELS_LIMIT: Final = 50_000_000
SIDE_LIMIT: Final = 20_000
KINDS: Final = {"PNG": "png", "JPEG": "jpg", "WEBP": "webp", "GIF": "gif", "BMP": "bmp", "TIFF": "tiff"}
_READ: Final = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
"""Decoders that may run: no EPS (a program), no PSD, no FITS and the like."""


def opened(data: str) -> Any:
    """The picture, upright. Errors: BlockInputError if it is none, or too large."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    Image.MAX_IMAGE_PIXELS = PIXELS_LIMIT
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    try:
        picture = Image.open(io.BytesIO(base64.b64decode(data)), formats=_READ)
        if picture.width * picture.height > PIXELS_LIMIT or max(picture.size) > SIDE_LIMIT:
            raise BlockInputError(
                f"The picture has {picture.width} x {picture.height} pixels; at most {PIXELS_LIMIT} are opened."
            )
        kind = picture.format
        picture.load()
        upright = ImageOps.exif_transpose(picture)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise BlockInputError(f"The picture has too many pixels: {error}.") from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError) as error:
        raise BlockInputError(f"The file is no picture that can be read: {str(error)[:200]}.") from error
    upright.format = kind
    return upright


def written(picture: Any, kind: str, quality: int = 85) -> dict[str, Any]:
    """The bytes of a picture in `kind`, with nothing but its pixels."""
    from PIL import Image

    bare = picture
    if kind == "JPEG":
        if bare.mode not in ("RGB", "L"):
            # JPEG knows no transparency: it becomes white.
            layer = bare.convert("RGBA")
            bare = Image.new("RGB", bare.size, "white")
            bare.paste(layer, mask=layer.getchannel("A"))
    elif bare.mode not in ("RGB", "RGBA", "L", "P", "1", "LA"):
        bare = bare.convert("RGBA" if "A" in bare.mode else "RGB")
    if kind in ("BMP", "WEBP") and bare.mode in ("P", "LA"):
        bare = bare.convert("RGBA" if kind == "WEBP" else "RGB")
    if kind == "GIF" and bare.mode in ("LA", "RGBA"):
        bare = bare.convert("RGBA")
    out = io.BytesIO()
    bare = bare.copy()
    bare.info = {key: bare.info[key] for key in ("transparency",) if key in bare.info}
    try:
        bare.save(out, format=kind, **({"quality": quality} if kind in ("JPEG", "WEBP") else {}))
    except (OSError, ValueError, KeyError) as error:
        raise BlockExecutionError(f"The picture cannot be written as {kind}: {error}.") from error
    return {
        "data": base64.b64encode(out.getvalue()).decode(),
        "width": bare.width,
        "height": bare.height,
        "ending": KINDS[kind],
    }


def kind_of(picture: Any, wanted: str) -> str:
    """The kind to write: as wanted, or as it came, or PNG."""
    if wanted != "as it is":
        return wanted
    return picture.format if picture.format in KINDS else "PNG"


def resize(
    data: str, width: int | None, height: int | None, how: str, kind: str, quality: int
) -> dict[str, Any]:
    """Resize: `fit` inside, `fill` and cut off what sticks out, `pad` with white, or `stretch`."""
    from PIL import Image, ImageOps

    picture = opened(data)
    if not width and not height:
        raise BlockInputError("Give a width, a height, or both.")
    size = (
        width or max(1, round(picture.width * (height or 1) / picture.height)),
        height or max(1, round(picture.height * (width or 1) / picture.width)),
    )
    out = kind_of(picture, kind)
    soft = picture if picture.mode in ("RGB", "RGBA", "L") else picture.convert("RGBA")
    sharp = Image.Resampling.LANCZOS
    if how == "fit":
        made = ImageOps.contain(soft, size, sharp)
    elif how == "fill":
        made = ImageOps.fit(soft, size, sharp)
    elif how == "pad":
        made = ImageOps.pad(soft, size, sharp, color="white")
    else:
        made = soft.resize(size, sharp)
    return written(made, out, quality)


def crop(data: str, left: int, top: int, width: int, height: int, kind: str) -> dict[str, Any]:
    """Cut a part out. Errors: BlockInputError if it lies outside."""
    picture = opened(data)
    if left >= picture.width or top >= picture.height:
        raise BlockInputError(f"That part lies outside of {picture.width} x {picture.height} pixels.")
    box = (left, top, min(left + width, picture.width), min(top + height, picture.height))
    return written(picture.crop(box), kind_of(picture, kind))


def turn(data: str, degrees: float, mirror: str, kind: str) -> dict[str, Any]:
    """Turn clockwise, and mirror."""
    from PIL import ImageOps

    picture = opened(data)
    out = kind_of(picture, kind)
    if degrees % 360:
        soft = picture if degrees % 90 == 0 else picture.convert("RGBA")
        picture = soft.rotate(-degrees, expand=True)
    if mirror == "left to right":
        picture = ImageOps.mirror(picture)
    elif mirror == "top to bottom":
        picture = ImageOps.flip(picture)
    return written(picture, out)


def convert(data: str, kind: str, quality: int, grey: bool) -> dict[str, Any]:
    """Write as another kind."""
    picture = opened(data)
    out = kind_of(picture, kind)
    return written(picture.convert("LA" if "A" in picture.mode else "L") if grey else picture, out, quality)


def describe(data: str) -> dict[str, Any]:
    """What a picture is, and what came along with it."""
    from PIL import ExifTags

    picture = opened(data)
    exif = picture.getexif()
    known = {ExifTags.TAGS.get(tag, str(tag)): str(value)[:500] for tag, value in list(exif.items())[:200]}
    small = picture.convert("RGB").resize((1, 1))
    red, green, blue = small.getpixel((0, 0))
    return {
        "width": picture.width,
        "height": picture.height,
        "kind": picture.format or "",
        "transparent": "A" in picture.mode or "transparency" in picture.info,
        "frames": int(getattr(picture, "n_frames", 1)),
        "color": f"#{red:02x}{green:02x}{blue:02x}",
        "exif": known,
    }


def overlay(
    data: str, text: str, place: str, size: int, color: str, background: str, kind: str
) -> dict[str, Any]:
    """Write text onto a picture, lines broken to its width. Errors: BlockInputError for no colour."""
    from PIL import Image, ImageColor, ImageDraw, ImageFont

    picture = opened(data)
    out = kind_of(picture, kind)
    try:
        ink = ImageColor.getrgb(color)
        paper = ImageColor.getrgb(background) if background else None
    except ValueError as error:
        raise BlockInputError(
            f"There is no such colour: {error}; write red, #ff0000 or #ff000080."
        ) from error
    base = picture.convert("RGBA")
    layer = Image.new("RGBA", base.size, (0, 0, 0, 0))
    draw = ImageDraw.Draw(layer)
    font = ImageFont.load_default(size)
    margin = max(2, size // 3)
    lines = "\n".join(_broken(text, draw, font, max(1, base.width - 2 * margin)))
    left, top, right, bottom = draw.multiline_textbbox((0, 0), lines, font=font)
    x, y = _corner(place, base.size, (right - left, bottom - top), margin)
    if paper:
        frame = (
            x - margin // 2,
            y - margin // 2,
            x + right - left + margin // 2,
            y + bottom - top + margin // 2,
        )
        draw.rectangle(frame, fill=paper)
    draw.multiline_text((x - left, y - top), lines, font=font, fill=ink)
    return written(Image.alpha_composite(base, layer), out)


def _broken(text: str, draw: Any, font: Any, width: int) -> list[str]:
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for word in paragraph.split():
            longer = f"{line} {word}".strip()
            if line and draw.textlength(longer, font=font) > width:
                lines.append(line)
                line = word
            else:
                line = longer
        lines.append(line)
    return lines


def _corner(place: str, outer: tuple[int, int], inner: tuple[float, float], margin: int) -> tuple[int, int]:
    words = place.split()
    x = (
        margin
        if "left" in words
        else outer[0] - inner[0] - margin
        if "right" in words
        else (outer[0] - inner[0]) / 2
    )
    y = (
        margin
        if "top" in words
        else outer[1] - inner[1] - margin
        if "bottom" in words
        else (outer[1] - inner[1]) / 2
    )
    return round(x), round(y)


def compose(data: str, top: str, place: str, share: float, opacity: float, kind: str) -> dict[str, Any]:
    """Lay one picture onto another: a logo, a watermark."""
    from PIL import Image, ImageOps

    base, mark = opened(data), opened(top).convert("RGBA")
    out = kind_of(base, kind)
    base = base.convert("RGBA")
    room = (max(1, round(base.width * share)), max(1, round(base.height * share)))
    mark = ImageOps.contain(mark, room)
    mark.putalpha(mark.getchannel("A").point(lambda value: round(value * opacity)))
    layer = Image.new("RGBA", base.size, (0, 0, 0, 0))
    layer.paste(mark, _corner(place, base.size, mark.size, max(2, min(base.size) // 50)))
    return written(Image.alpha_composite(base, layer), out)
