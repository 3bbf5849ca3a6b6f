"""The repository's documents, and what can be checked in them: shell lines, code spans, links, tables."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = (
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "bench" / "README.md",
    ROOT / "examples" / "README.md",
    ROOT / "examples" / "README.md",
)
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@cache
def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def shell_lines(page: Path, within: str = "") -> list[str]:
    """The commands of the page's fenced shell code, or of its section `within`; one that goes on over lines is one."""
    blocks = [code for _, language, code in FENCE.findall(section(page, within)) if language == "shell"]
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [line.strip() for line in lines if line.strip()]


def prose(page: Path) -> str:
    """The page without its fenced code."""
    return FENCE.sub("", text(page))


def spans(page: Path) -> list[str]:
    """The code spans of the page's prose, each on one line."""
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose(page))]


def section(page: Path, heading: str) -> str:
    """What stands below a heading, up to the next one of its level or a higher one; the page for no heading."""
    if not heading:
        return text(page)
    found = re.search(rf"^(#+) {re.escape(heading)}\n(.*?)(?=^#{{1,6}} |\Z)", text(page), re.MULTILINE | re.DOTALL)
    assert found, f"{name(page)} has no section {heading!r}"
    start, level = found.end(1), len(found[1])
    rest = text(page)[start:]
    end = re.search(rf"^#{{1,{level}}} ", rest, re.MULTILINE)
    return rest[: end.start()] if end else rest


def rows(page: Path, header: str) -> Iterator[list[str]]:
    """The rows of the table whose header line begins with `header`, as cells."""
    _, found, rest = text(page).partition(f"\n{header}")
    assert found, f"{name(page)} has no table {header!r}"
    for line in rest.partition("\n\n")[0].splitlines()[2:]:
        yield [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]


def anchors(page: Path) -> set[str]:
    """The names that GitHub gives the page's headings."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text(page)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
