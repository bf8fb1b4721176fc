"""The log doctor on the page: every finding with its rows, and what was decided."""

from __future__ import annotations

from collections.abc import Sequence

from .finding import CODES, Finding, in_words
from .page import Page, short

DONE = {
    "noted": "nothing",
    "dropped": "rows left out",
    "converted": "values converted",
    "reordered": "columns reordered",
    "shifted": "stamps shifted",
    "kept": "kept as it is",
}
"""Actions in words."""


def add_unknown(page: Page, directions: Sequence[str]) -> None:
    """Add in words what the logs leave open."""
    page.section(
        "unknown",
        "What these logs cannot tell",
        "Such numbers stay at their prior with the prior's width.",
    )
    page.items(directions, "Every parameter that was asked for is told.")


def add_findings(
    page: Page, checks: Sequence[Finding], findings: Sequence[str]
) -> None:
    """Add what the doctor found in the logs and what the fit decided.

    Args:
        page: gets two sections.
        checks: of the doctor.
        findings: all in words; those of ``checks`` are not said twice.
    """
    page.section(
        "findings",
        "What was found in the logs",
        "Rows are joint states counted from 0 as read.",
    )
    rows = [
        [
            short(f.log),
            CODES.get(f.code, f.code),
            in_words(f.rows) if f.rows else "whole log",
            DONE[f.action],
            f.sentence,
        ]
        for f in checks
    ]
    if rows:
        page.table(["log", "what", "rows", "done", "in words"], rows)
    else:
        page.note("The log doctor had nothing to say.")
    doctor = {str(check) for check in checks}
    decisions = [finding for finding in findings if finding not in doctor]
    page.section("decisions", "What the fit decided and why")
    page.items(decisions, "Nothing out of the ordinary.")
