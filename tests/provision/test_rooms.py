"""Imports between the rooms of `provision` point one way, and no other package imports `provision`.

`python tests/provision/test_rooms.py` prints the counts.
"""

import ast
import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[2]
FLOORS = (
    {"cli"},
    {"commands"},
    {"classroom", "demo", "checks", "page"},
    {"options"},
    {"project"},
    {"prepare"},
    {"drawing"},
    {"live"},
    {"streams"},
    {"sync"},
    {"bundles"},
    {"finding"},
    {"console", "help", "home", "locks", "mqtt", "scala_compiler", "toml_lines", "waiting"},
    {"errors", "terminal"},
)
"""From the top down: a room imports from lower floors only."""
BESIDE = {
    "embedded": {"console", "home", "locks", "scala_compiler", "waiting", "errors"},
    "publisher": {"console", "home", "locks", "mqtt", "waiting", "errors"},
    "platforms": {"bundles", "errors", "finding", "home", "mqtt"},
    "events": {"bundles", "publisher", "mqtt", "console", "home", "locks", "waiting", "errors"},
}
"""Rooms beside the floors with all that they may import; `prepare` and what is above may import them."""
PLATFORMS_MAY = ("provision.bundles.connection.", "provision.bundles.literals.", "provision.bundles.values.")
PACKAGES = ("provision", "netpie_creds", "netpie_emulator", "bench", "zeppelin-sdk/src/zeppelin_sdk")


def rooms() -> dict[str, list[Path]]:
    """The files of each room: a folder of `provision`, or a module beside the folders."""
    found: dict[str, list[Path]] = {}
    for file in sorted((ROOT / "provision").rglob("*.py")):
        room = file.relative_to(ROOT / "provision").parts[0].removesuffix(".py")
        if room not in ("__init__", "__main__"):
            found.setdefault(room, []).append(file)
    return found


def imports(file: Path) -> Iterator[str]:
    """The full names that a file imports, inside functions too."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (f"{node.module}.{name.name}" for name in node.names)


def arrows() -> dict[tuple[str, str], list[str]]:
    """(room, imported room) -> the imports that make the arrow, as "file: name"."""
    found: dict[tuple[str, str], list[str]] = {}
    for room, files in rooms().items():
        for file in files:
            for name in imports(file):
                parts = name.split(".")
                if parts[0] == "provision" and parts[1] != room:
                    found.setdefault((room, parts[1]), []).append(f"{file.relative_to(ROOT)}: {name}")
    return found


def upward() -> list[str]:
    """The imports that point up, or aside where they may not."""
    floor = {room: number for number, level in enumerate(FLOORS) for room in level}
    wrong = []
    for (room, other), names in arrows().items():
        if room in BESIDE:
            fine = other in BESIDE[room]
        elif other in BESIDE:
            fine = floor[room] <= floor["prepare"]
        else:
            fine = floor[other] > floor[room]
        wrong += [] if fine else names
    return wrong


def circles() -> list[str]:
    """The first circle of rooms that import each other, if there is one."""
    graph: dict[str, set[str]] = {}
    for room, other in arrows():
        graph.setdefault(room, set()).add(other)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as circle:
        return list(circle.args[1])
    return []


def test_every_room_has_a_place():
    assert rooms().keys() == {*BESIDE, *set().union(*FLOORS)}


def test_no_import_points_up():
    assert upward() == []


def test_no_rooms_import_each_other_in_a_circle():
    assert circles() == []


def test_platforms_know_connections_literals_and_values_of_the_bundles():
    names = [each.partition(": ")[2] for each in arrows().get(("platforms", "bundles"), [])]
    assert [name for name in names if not name.startswith(PLATFORMS_MAY)] == []


def test_no_other_package_imports_provision():
    packages = ("netpie_creds", "netpie_emulator", "zeppelin_notes", "zeppelin-sdk", "pyspark-mqtt")
    all_files = [file for package in packages for file in (ROOT / package).rglob("*.py") if "tests" not in file.parts]
    templates = [file for file in all_files if (file.parent / "note.toml").is_file()]  # with places: no Python yet
    assert templates
    assert [file for file in templates if re.search(r"^\s*(?:from|import) provision\b", file.read_text(), re.M)] == []
    files = [file for file in all_files if file not in templates]
    assert files
    assert [file for file in files if any(name.split(".")[0] == "provision" for name in imports(file))] == []


def classes() -> dict[str, list[str]]:
    """Public name of a class -> the files of the packages that define one."""
    found: dict[str, list[str]] = {}
    for package in PACKAGES:
        for file in sorted((ROOT / package).rglob("*.py")):
            for node in ast.parse(file.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    found.setdefault(node.name, []).append(str(file.relative_to(ROOT)))
    return found


def test_a_class_s_name_stands_for_one_thing():
    assert len(classes()) > 100
    assert {name: files for name, files in classes().items() if len(files) > 1} == {}


if __name__ == "__main__":
    print(f"rooms {len(rooms())}, arrows {len(arrows())}, upward {len(upward())}, circles {len(circles())}")
    print("\n".join(upward()))
