"""What the files of a query have."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote


def written(folder: Path) -> Counter[int]:
    """The numbers in the files of `query.numbers`."""
    return Counter(int(line.split()[0]) for line in _lines(folder))


def unmarked(folder: Path) -> Counter[int]:
    """Those of rows that have no duplicate flag."""
    return Counter(int(line) for line in _lines(folder) if " " not in line)


def _lines(folder: Path) -> Iterator[str]:
    """The lines of a text sink's files, of those that its log names: others are leavings of unfinished batches."""
    names: list[str] = []
    logs = list((folder / "_spark_metadata").glob("[0-9]*"))
    for log in sorted(logs, key=lambda path: (int(path.name.split(".")[0]), path.suffix)):
        found = [unquote(json.loads(line)["path"]).split(":", 1)[-1] for line in log.read_text().splitlines()[1:]]
        names = found if log.suffix == ".compact" else names + found
    paths = dict.fromkeys(f"/{name.lstrip('/')}" for name in names)
    for path in paths:
        yield from Path(path).read_text().splitlines()
