"""Media types by content: what a file is, whatever its name or its sender says."""

from __future__ import annotations

from typing import Final

_MAGIC: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (b"\x1f\x8b", "application/gzip"),
    (b"ID3", "audio/mpeg"),
    (b"OggS", "audio/ogg"),
    (b"PK\x03\x04", "application/zip"),
)
_ZIP_BASED: Final = ("application/vnd.openxmlformats", "application/vnd.oasis", "application/epub+zip")
_OLE_BASED: Final = ("application/vnd.ms-", "application/msword")
_TEXTUAL: Final = frozenset(
    {
        "application/json",
        "application/xml",
        "application/javascript",
        "application/x-ndjson",
        "application/yaml",
        "application/sql",
        "application/x-www-form-urlencoded",
        "image/svg+xml",
    }
)
_HEAD_BYTES: Final = 4096


def is_textual(media_type: str) -> bool:
    """Tell whether contents of this type are text."""
    return media_type.startswith("text/") or media_type in _TEXTUAL or media_type.endswith(("+json", "+xml"))


def media_type_of(data: bytes, claimed: str = "") -> str:
    """The type of `data`. A claim counts where content does not speak against it."""
    claimed = claimed.strip().lower()
    for magic, found in _MAGIC:
        if data.startswith(magic):
            if found == "application/zip" and claimed.startswith(_ZIP_BASED):
                return claimed
            if found == "application/x-ole-storage" and claimed.startswith(_OLE_BASED):
                return claimed
            return found
    if data[:4] == b"RIFF" and data[8:12] in (b"WEBP", b"WAVE"):
        return "image/webp" if data[8:12] == b"WEBP" else "audio/wav"
    if data[4:8] == b"ftyp":
        return "video/mp4"
    if looks_like_text(data):
        return claimed if is_textual(claimed) else "text/plain"
    # It claims a type whose magic it lacks, or none that we know.
    known = {found for _, found in _MAGIC} | {"image/webp", "audio/wav", "video/mp4"}
    return "application/octet-stream" if not claimed or claimed in known or is_textual(claimed) else claimed


def looks_like_text(data: bytes) -> bool:
    """Tell whether the beginning is UTF-8 without control characters."""
    head = data[:_HEAD_BYTES]
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        if len(data) <= _HEAD_BYTES or error.start < len(head) - 4:
            return False
    return not any(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in head)
