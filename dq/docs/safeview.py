"""Great Expectations' page view made safe and self-contained: everything is escaped, nothing is loaded or executed.

The stock view (1.24) does not escape column names, cell values, descriptions or attributes, and its pages fetch fifteen
files from elsewhere. Here the content block templates are Great Expectations' own, the page around them is ours.
Import only after ``dq.gx.load``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from great_expectations.render.view import DefaultJinjaPageView
from jinja2 import ChoiceLoader, FileSystemLoader, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from dq.docs.site import CSP, TEMPLATES

_TAGS = frozenset(("a", "b", "br", "code", "div", "em", "h4", "h5", "h6", "hr", "i", "li", "ol", "p", "pre"))
_TAGS |= frozenset(("small", "span", "strong", "ul"))
_ATTRIBUTES = re.compile(r"(class|id|title|role|rel|name|aria-[a-z]+|data-[a-z-]+)")
_STYLES = re.compile(r"[a-z-]+")
_STYLE_VALUE = re.compile(r"[\w %.#!-]*")
_LINK = re.compile(r"[A-Za-z0-9_./%?&=~#:+@-]*")
# string.Template's own pattern, with "$$" as an escaped dollar; an unknown name is left as it stands.
_PLACEHOLDER = re.compile(r"\$(?:(?P<escaped>\$)|(?P<named>[A-Za-z_]\w*)|\{(?P<braced>[A-Za-z_]\w*)\})")
_ICON = re.compile(r'<i class="fas [a-z -]+" aria-hidden="true"></i>')


def safe_link(link: object) -> str | None:
    """The link itself where it is a fragment, a relative path or an http address; None for every other scheme."""
    text = str(link)
    if not _LINK.fullmatch(text) or text.startswith(("//", "\\")):
        return None
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    if parts.scheme:
        return text if parts.scheme in ("https", "http") and parts.netloc else None
    # A colon before the first slash could still be read as a scheme.
    return None if ":" in text.split("/")[0].split("#")[0] else text


def attributes(values: Mapping[str, object], prefix: str = "") -> Markup:
    """HTML attributes: known names only, links checked, values escaped; anything else is left out."""
    parts = []
    for name, value in values.items():
        full = f"{prefix}{name}".lower()
        if full == "href":
            link = safe_link(value)
            if link is not None:
                parts.append(Markup('href="{}"').format(link))
        elif _ATTRIBUTES.fullmatch(full):
            parts.append(Markup('{}="{}"').format(full, str(value)))
    return Markup(" ").join(parts)


def styling(values: Mapping[str, Any]) -> Markup:
    """The attributes of a Great Expectations styling block: classes, attributes and styles."""
    found: list[Markup] = []
    classes = values.get("classes")
    if classes:
        found.append(attributes({"class": " ".join(str(name) for name in classes)}))
    found.append(attributes(values.get("attributes") or {}))
    styles = [
        f"{name}:{value}"
        for name, value in (values.get("styles") or {}).items()
        if _STYLES.fullmatch(str(name)) and _STYLE_VALUE.fullmatch(str(value))
    ]
    if styles:
        found.append(Markup('style="{}"').format(";".join(styles)))
    return Markup(" ").join(part for part in found if part)


def string_template(block: Mapping[str, Any]) -> Markup:
    """A Great Expectations string template as HTML: literal text and parameters escaped, their styling applied."""
    params = block.get("params") or {}
    style = block.get("styling") or {}
    own, default = style.get("params") or {}, style.get("default")
    template = str(block.get("template") or "")
    html, at = Markup(), 0
    for match in _PLACEHOLDER.finditer(template):
        html += _lines(template[at : match.start()])
        at = match.end()
        name = match["named"] or match["braced"]
        if match["escaped"]:
            html += "$"
        elif name in params:
            html += _param(name, params[name], own.get(name, default))
        else:
            html += match.group()
    html += _lines(template[at:])
    tooltip = (block.get("tooltip") or {}).get("content")
    title = attributes({"title": tooltip}) if tooltip else ""
    return _element(str(block.get("tag") or "span"), Markup(" ").join(filter(None, (styling(style), title))), html)


def _param(name: str, value: object, style: Mapping[str, Any] | None) -> Markup:
    text = "" if value is None else str(value)
    content = Markup(text) if name == "html_success_icon" and _ICON.fullmatch(text) else escape(text)  # noqa: S704
    return content if style is None else _element(str(style.get("tag") or "span"), styling(style), content)


def _lines(text: str) -> Markup:
    return Markup("<br>").join(re.split(r"\n|<br>", text))


def _element(tag: str, attribute_text: str, content: Markup) -> Markup:
    name = Markup(tag if tag in _TAGS else "span")  # noqa: S704  # one of the tags listed above
    gap = " " if attribute_text else ""
    start = Markup("<{}{}{}>").format(name, gap, Markup(attribute_text))  # noqa: S704  # built by attributes()
    return start if tag in ("br", "hr") else start + content + Markup("</{}>").format(name)


class SafePageView(DefaultJinjaPageView):  # type: ignore[misc]  # Great Expectations comes untyped
    """Renders a Great Expectations document into one offline page around which everything is escaped."""

    _template = "run.j2"

    def __init__(self, template: str = "run.j2") -> None:
        super().__init__()
        self._template = template
        self.env.autoescape = True
        # Ours first: a page template of the package must not shadow the offline one.
        self.env.loader = ChoiceLoader([FileSystemLoader(TEMPLATES), self.env.loader])
        self.env.globals["csp"] = CSP
        self.env.filters |= {
            "render_string_template": self._string_template,
            "render_styling": styling,
            "render_styling_from_string_template": lambda block: _styled(block),
            "render_content_block": self._content_block,
            "render_markdown": lambda text: Markup('<pre class="notes">{}</pre>').format(text),
            "attributes_dict_to_html_string": lambda values, prefix="": attributes(
                values, f"{prefix}-" if prefix else ""
            ),
        }

    def _string_template(self, block: object) -> Markup:
        return string_template(block) if isinstance(block, Mapping) else escape(str(block))

    @pass_context
    def _content_block(
        self, context: Context, block: object, index: object = None, content_block_id: object = None
    ) -> Markup:
        if block is None:
            return Markup()
        if isinstance(block, Markup):
            return block
        if isinstance(block, Mapping):
            return self._mapping(context, block, index, content_block_id)
        if isinstance(block, Iterable) and not isinstance(block, str):
            parts = []
            for number, item in enumerate(block):
                inner = f"{content_block_id}-{number}" if content_block_id else None
                html = self._content_block(context, item, number, inner)
                parts.append(
                    html if isinstance(item, Mapping | list | tuple) else Markup("<span>{}</span>").format(html)
                )
            return Markup("\n").join(parts)
        return escape(str(block))

    def _mapping(
        self, context: Context, block: Mapping[str, object], index: object, content_block_id: object
    ) -> Markup:
        kind = str(block.get("content_block_type") or "")
        if not re.fullmatch(r"[a-z_]+", kind):
            return escape(str(block))
        values: dict[str, object] = {"content_block": block, "index": index}
        if content_block_id:
            values["content_block_id"] = content_block_id
        return Markup(self._get_template(f"{kind}.j2").render(context, **values))  # noqa: S704  # autoescaped template


def _styled(block: object) -> Markup:
    style = block.get("styling") if isinstance(block, Mapping) else None
    return styling(style) if isinstance(style, Mapping) else Markup()
