from __future__ import annotations

import pytest

from millstream.processors.blocks.chunk_markdown import _pieces, _sections
from millstream.processors.blocks.chunk_markdown import chunk_markdown as block
from millstream.testing import emits


def test_headings_nest_and_code_has_none() -> None:
    text = "intro\n# A #\n## B\nb\n### C\nc\n## D\n~~~\n# x\n```\n~~~\n#nothing\n# E\n\n####### seven\n"
    assert [each for each in _sections(text) if each[1]] == [
        ("", "intro"),
        ("A > B", "b"),
        ("A > B > C", "c"),
        ("A > D", "~~~\n# x\n```\n~~~\n#nothing"),
        ("E", "####### seven"),
    ]


@pytest.mark.parametrize("most", [7, 16, 40, 1000])
@pytest.mark.parametrize("joint", ["", " ", "\n", "\n\n", ". "])
def test_nothing_is_lost_and_nothing_too_long(most: int, joint: str) -> None:
    text = joint.join(f"word{n}" for n in range(60))
    pieces = _pieces(text, most)
    assert all(0 < len(piece) <= most for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())


async def test_pieces_can_leave_out_their_heading() -> None:
    got = dict(await emits(block, {"text": "# A\nb", "with_heading": False}))
    assert (got["chunks"], got["headings"]) == (["b"], ["A"])
