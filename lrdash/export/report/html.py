"""Pieces of HTML; their texts are escaped here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape

FOLD = 40  # rows; a longer table is folded


def header(title: str, line: str) -> str:
    """The title of the report and a line under it."""
    return f"<header>\n<h1>{escape(title)}</h1>\n{paragraph(line, 'quiet')}</header>\n"


def paragraph(text: str, kind: str = "") -> str:
    """A plain paragraph; nothing for an empty text."""
    opening = f'<p class="{kind}">' if kind else "<p>"
    return f"{opening}{escape(text)}</p>\n" if text else ""


def section(title: str, *parts: str, level: int = 2) -> str:
    """A heading and its content; nothing if that is empty."""
    inside = "".join(parts)
    name = f"s-{re.sub(r'[^a-z0-9]+', '-', title.lower()).strip('-')}"
    heading = f'<h{level} id="{name}">{escape(title)}</h{level}>\n'
    return f'<section aria-labelledby="{name}">\n{heading}{inside}</section>\n' if inside else ""


def table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], *, caption: str, texts: int = 1
) -> str:
    """A table with a caption, header cells for columns and for the first cell of each row.

    Args:
        columns: titles.
        rows: cells, as many as columns.
        caption: what the table holds.
        texts: how many columns on the left hold text; the others hold numbers.
    """
    def kind(place: int) -> str:
        return "" if place < texts else ' class="number"'

    head = "".join(
        f'<th scope="col"{kind(place)}>{escape(name)}</th>' for place, name in enumerate(columns)
    )
    lines = []
    for row in rows:
        first, *rest = row
        cells = "".join(
            f"<td{kind(place)}>{escape(cell)}</td>" for place, cell in enumerate(rest, start=1)
        )
        lines.append(f'<tr><th scope="row">{escape(first)}</th>{cells}</tr>\n')
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{escape(caption)}">\n'
        f"<table>\n<caption><span>{escape(caption)}</span></caption>\n<thead><tr>{head}</tr></thead>\n"
        f"<tbody>\n{''.join(lines)}</tbody>\n</table>\n</div>\n"
    )


def folded(summary: str, inside: str) -> str:
    """Content that the reader can open; it is open in print."""
    return f"<details>\n<summary>{escape(summary)}</summary>\n{inside}</details>\n"


def folded_if_long(what: str, rows: int, inside: str) -> str:
    """A table, folded if it has many rows: `All 64 runs`."""
    return inside if rows <= FOLD else folded(f"All {rows:,} {what}", inside)


def tiles(values: Mapping[str, str]) -> str:
    """A few large numbers with their names."""
    parts = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>\n"
        for name, value in values.items()
    )
    return f'<dl class="facts">\n{parts}</dl>\n'


def code(text: str, label: str) -> str:
    """Text to copy and type."""
    return f'<pre tabindex="0" aria-label="{escape(label)}"><code>{escape(text)}</code></pre>\n'


def marked(text: str) -> str:
    """The subset of Markdown used by verdicts: paragraphs, strong, and escaped signs."""
    blocks = [block for block in re.split(r"\n\s*\n", text.strip()) if block]
    return "".join(f"<p>{_inline(block)}</p>\n" for block in blocks)


def _inline(text: str) -> str:
    """HTML-escaped first; a backslash then marks a sign that is not Markdown."""
    kept: list[str] = []

    def keep(found: re.Match[str]) -> str:
        kept.append(found.group(1))
        return f"\0{len(kept) - 1}\0"

    held = re.sub(r"\\([!-/:-@\[-`{-~])", keep, text.replace("\0", ""))
    strong = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", escape(held), flags=re.DOTALL)
    return re.sub("\0(\\d+)\0", lambda found: escape(kept[int(found.group(1))]), strong)
