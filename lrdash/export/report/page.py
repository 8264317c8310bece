"""The whole file: head, style, content, and the script that draws the charts."""

from __future__ import annotations

from html import escape
from pathlib import Path

from lrdash.export.report import charts

# Forbids the browser to fetch anything: the file is complete.
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "img-src data: blob:; base-uri 'none'; form-action 'none'"
)


def page(title: str, content: str) -> str:
    """A complete HTML document of a title, as plain text, and the HTML of its body."""
    here = Path(__file__).parent
    style = (here / "report.css").read_text(encoding="utf-8")
    script = (here / "report.js").read_text(encoding="utf-8")
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        f"<title>{escape(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n"
        f"<main>\n{content}</main>\n"
        f'<script type="text/plain" id="plotly">{charts.library()}</script>\n'
        f"<script>\n{script}</script>\n</body>\n</html>\n"
    )
