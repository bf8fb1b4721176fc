"""Commands shown in README.md and docs/ run as they are written.

A fenced ``bash`` block after the line ``<!-- run -->`` is run with a real shell in an
empty folder; after ``<!-- run slow -->`` only with ``FOREARM_SLOW_DOCS=1``.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^<!-- run( slow)? -->\n+```bash\n(.*?)^```$", re.M | re.S)
MARK = re.compile(r"^<!-- run.*-->$", re.M)
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#]+)")

BLOCKS = [
    pytest.param(
        match[2],
        id=f"{page.name}:{page.read_text()[: match.start()].count(chr(10)) + 1}",
        marks=pytest.mark.skipif(
            bool(match[1]) and not os.environ.get("FOREARM_SLOW_DOCS"),
            reason="takes minutes; set FOREARM_SLOW_DOCS=1",
        ),
    )
    for page in PAGES
    for match in BLOCK.finditer(page.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize("commands", BLOCKS)
def test_a_block_of_commands_runs(commands: str, tmp_path: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    result = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=tmp_path,
        env={**os.environ, "PATH": path, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_mark_belongs_to_a_block(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert len(MARK.findall(text)) == len(BLOCK.findall(text))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_inside_the_project_leads_somewhere(page: Path) -> None:
    targets = LINK.findall(page.read_text(encoding="utf-8"))
    assert [t for t in targets if not (page.parent / t).exists()] == []
