"""Pieces of HTML. Every text that comes in is escaped here, and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape


def header(title: str, line: str) -> str:
    """The title of the report and a line under it."""
    return f"<header>\n<h1>{escape(title)}</h1>\n{paragraph(line, 'quiet')}</header>\n"


def paragraph(text: str, kind: str = "") -> str:
    """A plain paragraph; nothing for an empty text."""
    return f"<p{_class(kind)}>{escape(text)}</p>\n" if text else ""


def section(title: str, *parts: str, level: int = 2) -> str:
    """A heading and what stands below it; nothing if that is empty."""
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
        texts: so many columns at the left hold text; the others hold numbers.
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
    """What the reader opens when it is wanted; in print it is open."""
    return f"<details>\n<summary>{escape(summary)}</summary>\n{inside}</details>\n"


def code(text: str, label: str) -> str:
    """Text as it is to be typed."""
    return f'<pre tabindex="0" aria-label="{escape(label)}"><code>{escape(text)}</code></pre>\n'


def marked(text: str) -> str:
    """The little Markdown that verdicts are written in: paragraphs, strong, and escaped signs."""
    blocks = [block for block in re.split(r"\n\s*\n", text.strip()) if block]
    return "".join(f"<p>{_inline(block)}</p>\n" for block in blocks)


def _inline(text: str) -> str:
    """Escaped first; a backslash then keeps a sign from being read as Markdown."""
    kept: list[str] = []

    def keep(found: re.Match[str]) -> str:
        kept.append(found.group(1))
        return f"\0{len(kept) - 1}\0"

    held = re.sub(r"\\([!-/:-@\[-`{-~])", keep, text.replace("\0", ""))
    strong = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", escape(held), flags=re.DOTALL)
    return re.sub("\0(\\d+)\0", lambda found: escape(kept[int(found.group(1))]), strong)


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""
