"""Pictures and speech in their plainest form: coloured squares, and a tone a word with the text beside it in the file."""

from __future__ import annotations

import array
import hashlib
import math
import struct
import sys
import zlib

RATE = 8_000
SIDE = 8
LONGEST_WORDS = 200


def picture(prompt: str, width: int, height: int) -> bytes:
    """Return a PNG of coloured squares that belong to this prompt."""
    colours = hashlib.shake_256(prompt.encode()).digest(SIDE * SIDE * 3)
    rows = []
    for y in range(height):
        at = (y * SIDE // height) * SIDE
        row = bytearray()
        for x in range(SIDE):
            wide = (x + 1) * width // SIDE - x * width // SIDE
            row += colours[(at + x) * 3 : (at + x) * 3 + 3] * wide
        rows.append(b"\0" + bytes(row))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    note = b"Description\0" + prompt[:500].encode("latin-1", "replace")
    chunks = ((b"IHDR", header), (b"tEXt", note), (b"IDAT", zlib.compress(b"".join(rows))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_png_chunk(kind, data) for kind, data in chunks)


def _png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def speech(text: str) -> bytes:
    """Return a WAV with a tone for each word; the text itself is in the file, where `heard` finds it."""
    samples = array.array("h")
    for word in text.split()[:LONGEST_WORDS]:
        pitch = 200 + zlib.crc32(word.encode()) % 400
        samples.extend(round(8_000 * math.sin(2 * math.pi * pitch * n / RATE)) for n in range(RATE // 10))
        samples.extend([0] * (RATE // 20))
    if sys.byteorder == "big":
        samples.byteswap()
    sound = samples.tobytes()
    comment = text.encode() + b"\0"
    comment += b"\0" * (len(comment) % 2)
    info = b"INFO" + b"ICMT" + struct.pack("<I", len(comment)) + comment
    form = struct.pack("<HHIIHH", 1, 1, RATE, RATE * 2, 2, 16)
    body = b"WAVE" + _chunk(b"fmt ", form) + _chunk(b"LIST", info) + _chunk(b"data", sound)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _chunk(kind: bytes, data: bytes) -> bytes:
    return kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def heard(data: bytes) -> str:
    """Return what `speech` has said; of any other recording only how long it is."""
    at = data.find(b"ICMT", 0, 4096)
    if data[:4] == b"RIFF" and at >= 0 and at + 8 <= len(data):
        (size,) = struct.unpack_from("<I", data, at + 4)
        return data[at + 8 : at + 8 + size].rstrip(b"\0").decode("utf-8", "replace")
    return f"A recording of {len(data)} bytes; the echo model cannot hear."
