from __future__ import annotations

from types import ModuleType

import pytest

from dq.gx.load import load


@pytest.fixture(scope="module")
def view() -> ModuleType:
    load()
    from dq.docs import safeview

    return safeview


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("../../runbooks/a.html#figures-differ", "../../runbooks/a.html#figures-differ"),
        ("#section-1", "#section-1"),
        ("page.html#a:b", "page.html#a:b"),
        ("https://example.com/x?y=1", "https://example.com/x?y=1"),
        ("http://example.com", "http://example.com"),
        ("", ""),
        ("javascript:alert(1)", None),
        ("javascript:1", None),
        ("JaVaScRiPt:1", None),
        (" javascript:1", None),
        ("java\tscript:1", None),
        ("data:text/html,x", None),
        ("vbscript:x", None),
        ("//evil.example/x", None),
        ("\\\\evil.example", None),
        ("https:evil", None),
        ("mailto:x@example.com", None),
        ("https://example.com/<script>", None),
        ('x" onclick="y', None),
        ("http://[::1", None),
    ],
)
def test_only_fragments_relative_paths_and_http_are_links(view: ModuleType, link: str, expected: str | None) -> None:
    assert view.safe_link(link) == expected


def test_attributes_are_known_names_with_escaped_values(view: ModuleType) -> None:
    assert view.attributes({"class": 'a"b', "onclick": "x", "style": "x", "src": "x", "aria-label": "<i>"}) == (
        'class="a&#34;b" aria-label="&lt;i&gt;"'
    )
    assert view.attributes({"search": "True", "x y": "1"}, "data-") == 'data-search="True"'


def test_styles_are_plain_values(view: ModuleType) -> None:
    found = view.styling({"styles": {"color": "red", "background": "url(http://x)", "a b": "1", "width": '1"'}})
    assert found == 'style="color:red"'


@pytest.mark.parametrize(
    ("block", "html"),
    [
        ({"template": "a $x b", "params": {"x": "<i>"}}, "<span>a &lt;i&gt; b</span>"),
        ({"template": "<b>$x</b>", "params": {"x": "1"}}, "<span>&lt;b&gt;1&lt;/b&gt;</span>"),
        ({"template": "${x}$y$$z $PARAMETER", "params": {"x": "$y", "y": 2}}, "<span>$y2$z $PARAMETER</span>"),
        ({"template": "one\ntwo<br>three"}, "<span>one<br>two<br>three</span>"),
        ({"template": "x", "tag": "script"}, "<span>x</span>"),
        ({"template": "x", "tag": "h5", "styling": {"classes": ["m-0"]}}, '<h5 class="m-0">x</h5>'),
        ({"template": "", "tag": "hr"}, "<hr>"),
        (
            {"template": "$x", "params": {"x": "t"}, "styling": {"params": {"x": {"tag": "iframe", "classes": ["k"]}}}},
            '<span><span class="k">t</span></span>',
        ),
        (
            {
                "template": "$x",
                "params": {"x": "t"},
                "styling": {"params": {"x": {"tag": "a", "attributes": {"href": "javascript:1", "title": "t"}}}},
            },
            '<span><a title="t">t</a></span>',
        ),
        (
            {"template": "$x $y", "params": {"x": "1", "y": None}, "styling": {"default": {"classes": ["badge"]}}},
            '<span><span class="badge">1</span> <span class="badge"></span></span>',
        ),
        (
            {
                "template": "$html_success_icon",
                "params": {"html_success_icon": '<i class="fas fa-x" aria-hidden="true" onclick="x"></i>'},
            },
            "<span>&lt;i class=&#34;fas fa-x&#34; aria-hidden=&#34;true&#34; onclick=&#34;x&#34;&gt;&lt;/i&gt;</span>",
        ),
        (
            {
                "template": "$html_success_icon",
                "params": {"html_success_icon": '<i class="fas fa-x" aria-hidden="true"></i>'},
            },
            '<span><i class="fas fa-x" aria-hidden="true"></i></span>',
        ),
        ({"template": "x", "tooltip": {"content": '"><script>'}}, '<span title="&#34;&gt;&lt;script&gt;">x</span>'),
    ],
)
def test_a_string_template_is_escaped_piece_by_piece(view: ModuleType, block: dict[str, object], html: str) -> None:
    assert view.string_template(block) == html
