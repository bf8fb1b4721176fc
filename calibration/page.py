"""Pieces of a self-contained HTML page: headings, sentences, tables, charts."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

import plotly.graph_objects as go

from forearm.core.files import write_atomic

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;"
    "padding:0 1rem;color:#222}h1{margin-bottom:.3rem}h2{margin-top:2.2rem}"
    "table{border-collapse:collapse;font-size:14px;margin:.8rem 0}"
    "th{background:#f4f4f4}td,th{padding:.2rem .7rem;text-align:right;"
    "border-bottom:1px solid #ddd;"
    "vertical-align:top}td.text,th.text{text-align:left}nav a{margin-right:1rem}"
    ".verdict{border-left:.5rem solid #888;background:#f6f6f6;padding:.6rem 1rem}"
    ".good{border-color:#2a9d4a}.care{border-color:#d9822b}.bad{border-color:#c0392b}"
    ".wide{overflow-x:auto}summary{cursor:pointer}p.note{color:#555;max-width:60rem}"
    ".guess{color:#a05a00}"
)

TEXT = (
    "joint",
    "log",
    "parameter",
    "meaning",
    "from",
    "what",
    "rows",
    "done",
    "in words",
)
"""Headers of columns that are read, not compared."""

Rows = Sequence[Sequence[str]]


class Page:
    """One page: sections in order, the script of the charts once."""

    def __init__(self, title: str) -> None:
        """Start the page called ``title``."""
        self._title, self._parts = title, [f"<h1>{escape(title)}</h1>"]
        self._links: list[str] = []
        self._drawn = False

    def verdict(self, grade: str, sentences: Sequence[str]) -> None:
        """Put the summary on top; ``grade`` is good, care or bad."""
        text = "".join(f"<p>{escape(s)}</p>" for s in sentences)
        self._parts.append(f"<div class='verdict {escape(grade)}'>{text}</div>")
        self._parts.append("<nav></nav>")

    def section(self, name: str, heading: str, note: str = "") -> None:
        """Begin a section that the top of the page links to."""
        self._links.append(f"<a href='#{name}'>{escape(heading)}</a>")
        self._parts.append(f"<h2 id='{name}'>{escape(heading)}</h2>")
        if note:
            self.note(note)

    def note(self, sentence: str) -> None:
        """Add a sentence that explains what is shown."""
        self._parts.append(f"<p class='note'>{escape(sentence)}</p>")

    def items(self, sentences: Sequence[str], empty: str) -> None:
        """Add sentences as a list, or ``empty`` where there are none."""
        if not sentences:
            self._parts.append(f"<p>{escape(empty)}</p>")
            return
        lines = "".join(f"<li>{escape(s)}</li>" for s in sentences)
        self._parts.append(f"<ul>{lines}</ul>")

    def table(self, header: Sequence[str], rows: Rows, *, folded: str = "") -> None:
        """Add a table; with ``folded`` it opens by a click on that sentence."""
        kinds = [" class='text'" if h in TEXT else "" for h in header]
        head = _line("th", header, kinds)
        body = "".join(_line("td", row, kinds) for row in rows)
        text = f"<div class='wide'><table>{head}{body}</table></div>"
        if folded:
            text = f"<details><summary>{escape(folded)}</summary>{text}</details>"
        self._parts.append(text)

    def chart(self, figure: go.Figure) -> None:
        """Add a chart; the first brings the script along."""
        figure.update_layout(template="plotly_white", margin={"t": 40, "b": 40})
        self._parts.append(
            figure.to_html(
                full_html=False,
                include_plotlyjs=not self._drawn,
                config={"displaylogo": False, "responsive": True},
            )
        )
        self._drawn = True

    def write(self, path: str | Path) -> None:
        """Write the page whole or not at all.

        Raises:
            FileError: the file cannot be written.
        """
        head = (
            f"<meta charset='utf-8'><meta name='viewport' "
            f"content='width=device-width'><title>{escape(self._title)}</title>"
            f"<style>{STYLE}</style>"
        )
        body = "\n".join(self._parts)
        body = body.replace("<nav></nav>", f"<nav>{''.join(self._links)}</nav>", 1)
        write_atomic(
            path,
            f"<!doctype html><html lang='en'><head>{head}</head><body>{body}</body>"
            "</html>",
        )


def short(name: str) -> str:
    """Return the last part of a log's path, which is what people call it."""
    return Path(name).name or name


def _line(tag: str, cells: Sequence[str], kinds: Sequence[str]) -> str:
    parts = []
    for cell, kind in zip(cells, kinds, strict=True):
        mark = " class='text guess'" if cell == "guess" else kind
        parts.append(f"<{tag}{mark}>{escape(cell)}</{tag}>")
    return f"<tr>{''.join(parts)}</tr>"
