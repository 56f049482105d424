"""Hostile HTML (A44), cleaned."""

from __future__ import annotations

import pytest

from millstream.processors.blocks.web_html import NEVER, cleaned


@pytest.mark.parametrize(
    "html",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<svg onload=alert(1)>",
        "<svg><script>alert(1)</script></svg>",
        "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
        "<a href='javascript:alert(1)'>x</a>",
        "<a href=' java\tscript:alert(1)'>x</a>",
        "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
        "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
        "<form action=//evil><input autofocus onfocus=alert(1)></form>",
        "<b style='background:url(javascript:alert(1))'>x</b>",
        "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
        "<base href=//evil><meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
        "<p/onclick=alert(1)>x",
        "<template><img src=x onerror=alert(1)></template>",
    ],
)
@pytest.mark.parametrize("pictures", [False, True])
def test_a44_nothing_that_runs_is_left(html: str, pictures: bool) -> None:
    clean = cleaned(html, [], pictures).lower()
    assert "<script" not in clean
    assert "javascript:" not in clean
    assert "<svg" not in clean
    for tag in clean.split("<")[1:]:
        assert not any(word in tag.partition(">")[0] for word in (" on", "srcdoc", "style", "formaction"))
    assert cleaned(clean, [], pictures).lower() == clean, "what is clean stays as it is"


def test_what_never_stays_cannot_be_asked_for() -> None:
    assert cleaned("".join(f"<{tag}></{tag}>" for tag in NEVER), sorted(NEVER), False) == ""
