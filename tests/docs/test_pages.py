"""What the documents name is there: linked pages and headings, files and folders, variables, tests' figures."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from provision import errors
from provision.bundles.bundle import DEFAULT_BUNDLE, bundle_names, load_bundle
from provision.cli import Interrupted
from provision.commands.plan import TO_DO
from provision.errors import ProvisionError

from .pages import PAGES, ROOT, anchors, name, prose, rows, spans, text

README = ROOT / "README.md"
TROUBLESHOOTING = ROOT / "docs" / "troubleshooting.md"
SOURCES = [
    file for folder in ("provision", "netpie_creds", "zeppelin-sdk/src") for file in (ROOT / folder).rglob("*.py")
]
SCALA = (ROOT / "zeppelin_notes").rglob("*.scala")
OUTPUTS = [*(ROOT / "zeppelin_notes" / "outputs").glob("*/output.toml")]
MESSAGES = [file.read_text(encoding="utf-8") for file in (*SOURCES, *SCALA)]
FILES = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
TRACKED = {Path(file).name for file in FILES}
BY_NAME = pytest.mark.parametrize("page", PAGES, ids=name)


# --- links, files, variables ---


def broken_links(page: Path) -> list[str]:
    """Links to files and headings that are not there."""
    links = [link for link in re.findall(r"\]\(([^)]+)\)", prose(page)) if "://" not in link]
    return [link for link in links if not _is_there(page, *link.partition("#")[::2])]


def _is_there(page: Path, path: str, heading: str) -> bool:
    target = (page.parent / path).resolve() if path else page
    return target.exists() and (not heading or heading in anchors(target))


@BY_NAME
def test_links_lead_somewhere(page: Path) -> None:
    assert broken_links(page) == []


PATH = re.compile(r"(?!.*NAME)(?:[a-z_.-]+/)+[A-Za-z0-9_.-]*|[A-Za-z_-]+\.(?:md|py|toml|scala)")


@BY_NAME
def test_files_that_are_named_are_in_the_repository(page: Path) -> None:
    assert missing_files(page) == []


def missing_files(page: Path) -> list[str]:
    """Paths in code spans that lead nowhere from the page or the root; a bare file name may be anywhere."""
    return [span for span in spans(page) if PATH.fullmatch(span) and not _exists(span, page.parent)]


def _exists(path: str, beside: Path) -> bool:
    if "/" not in path and path in TRACKED:
        return True
    return any((folder / path).exists() for folder in (beside, ROOT))


@BY_NAME
def test_variables_that_are_named_are_read_somewhere(page: Path) -> None:
    named = set(re.findall(r"(?:PROVISION|NETPIE|ZEPPELIN)_[A-Z_]+", text(page)))
    read = "".join(file.read_text(encoding="utf-8") for file in (*SOURCES, *OUTPUTS))

    assert {word for word in named if f'"{word}"' not in read} == set()


@BY_NAME
def test_pages_speak_of_no_machine(page: Path) -> None:
    assert re.findall(r"/(?:work|root|home)/\S*", text(page)) == []


# --- CONTRIBUTING ---


def test_each_row_of_where_to_go_names_a_place() -> None:
    table = list(rows(ROOT / "CONTRIBUTING.md", "| what | where |"))
    places = {what: [span for span in re.findall(r"`([^`]+)`", where) if "/" in span] for what, where in table}

    assert len(places) >= 10
    assert {
        what: named for what, named in places.items() if not named or any(not (ROOT / p).exists() for p in named)
    } == {}


# --- the README ---


def test_the_readme_is_short() -> None:
    assert len(text(README).splitlines()) <= 150


def test_the_readme_leads_to_every_page() -> None:
    linked = set(re.findall(r"\]\(([^)#]+)", text(README)))

    assert {name(page) for page in PAGES} - {"README.md", "bench/README.md"} - linked == set()


def test_the_readme_installs_every_distribution_that_the_tool_needs() -> None:
    projects = [tomllib.loads(text(ROOT / file))["project"] for file in FILES if Path(file).name == "pyproject.toml"]
    needed = " ".join(tomllib.loads(text(ROOT / "pyproject.toml"))["project"]["dependencies"])
    ours = {project["name"] for project in projects if project["name"] in needed}
    words = next(span for span in spans(README) if span.startswith("pip install ")).split()[2:]

    assert ours
    assert {str(Path(word)) for word in words} == {".", *ours}


def test_the_paragraphs_to_edit_are_in_the_note() -> None:
    titles = [template.title for template in load_bundle(DEFAULT_BUNDLE).templates]
    named = [row[0] for row in rows(README, "| paragraph |")]

    assert named
    assert [each for each in named if not any(title.startswith(each) for title in titles)] == []


def test_the_design_names_every_room() -> None:
    folder = ROOT / "provision"
    there = {f"provision/{each.name}/" for each in folder.iterdir() if (each / "__init__.py").is_file()}
    there |= {f"provision/{each.name}" for each in folder.glob("*.py") if not each.name.startswith("__")}

    assert there - set(spans(ROOT / "docs" / "design.md")) == set()


# --- tables ---


def test_the_bundles_are_those_that_there_are() -> None:
    assert sorted(row[0].strip("`") for row in rows(ROOT / "docs" / "parameters.md", "| bundle |")) == bundle_names()


def test_exit_statuses_are_those_of_the_errors() -> None:
    told = {int(row[0]) for row in rows(ROOT / "docs" / "scripting.md", "| exit status |")}
    here = [error for error in vars(errors).values() if isinstance(error, type) and issubclass(error, ProvisionError)]

    assert told == {0, *(error.exit_code for error in here), TO_DO, Interrupted.exit_code}


# --- troubleshooting ---

NOT_OURS = {
    "Fail to launch interpreter process",
    "Interpreter process is not running",
    "java.lang.StackOverflowError",
    "Connecting WebSocket ...",
}
"""Messages of Zeppelin and of Java."""
COMPOSED = {"no APPID and no APPKEY given"}
"""Messages that stand nowhere whole."""


def test_messages_are_those_of_the_tool() -> None:
    told = {span for row in rows(TROUBLESHOOTING, "| what you see |") for span in re.findall(r"`([^`]+)`", row[0])}
    parts = {part.strip() for span in told - NOT_OURS - COMPOSED for part in span.split("…")} - {""}

    assert len(parts) > 10
    assert {part for part in parts if not any(part in source for source in MESSAGES)} == set()
