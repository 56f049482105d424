"""HTML of strangers, made fit to be shown."""

from __future__ import annotations

from millstream.processors import isolation
from millstream.processors.annotations import EMPTY, Advanced, LongText
from millstream.processors.samples import Sample
from millstream.processors.sdk import block

CLEAN_S = 10.0
TAGS = [
    "a",
    "abbr",
    "b",
    "blockquote",
    "br",
    "caption",
    "code",
    "dd",
    "del",
    "div",
    "dl",
    "dt",
    "em",
    "figcaption",
    "figure",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "img",
    "ins",
    "kbd",
    "li",
    "mark",
    "ol",
    "p",
    "pre",
    "q",
    "s",
    "samp",
    "small",
    "span",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "u",
    "ul",
]
"""What may stand in a text: nothing that runs, loads another page, takes input or covers what is around it."""
NEVER = frozenset(
    {"script", "style", "iframe", "object", "embed", "form", "input", "base", "meta", "link", "svg", "math"}
)


def cleaned(html: str, tags: list[str], pictures: bool) -> str:
    """Return HTML with these elements only; links open without telling where one came from."""
    import nh3

    wanted = ({tag.lower() for tag in tags} or set(TAGS)) - NEVER
    if not pictures:
        wanted.discard("img")
    return nh3.clean(
        html,
        tags=wanted,
        clean_content_tags={"script", "style"},
        attributes={
            "a": {"href", "title"},
            "img": {"src", "alt", "title"},
            "td": {"colspan"},
            "th": {"colspan"},
        },
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )


@block(
    categories=("TEXT",),
    samples=[
        Sample(
            {"html": '<p onclick="x()">a<script>b</script><b style="position:fixed">c</b></p>'},
            [("result", "<p>a<b>c</b></p>")],
        ),
        Sample(
            {"html": '<a href="javascript:x">a</a><img src="http://e.com/p.png" onerror="x">'},
            [("result", '<a rel="noopener noreferrer nofollow">a</a>')],
        ),
        Sample({"html": "<h1>a</h1><p>b", "tags": ["p", "script"]}, [("result", "a<p>b</p>")]),
    ],
)
async def sanitize_html(
    html: LongText, tags: Advanced[list[str]] = EMPTY, pictures: Advanced[bool] = False
) -> str:
    """Take out of HTML what could harm whoever looks at it: scripts, styles, forms, frames, attributes that run something.

    html: The HTML of somebody else.
    tags: The elements that may stay; empty for those of plain texts and tables. Scripts, frames and forms never stay.
    pictures: Let pictures stay; they tell their server who looks at them.
    result: The HTML that is left.
    """
    result: str = await isolation.call(
        cleaned, html, list(tags), pictures, timeout_s=CLEAN_S, what="Cleaning this HTML"
    )
    return result
