"""Labels of rows, for what keeps one value for each set of labels: rows that the same ones name are told apart."""

from __future__ import annotations

from typing import Any, Iterable, Iterator

from ._window import iso

ROW = "row"
"""The label that rows have from the second one on."""


def distinct(rows: Iterable[tuple[Any, ...]], labels: list[int]) -> Iterator[tuple[tuple[Any, ...], int]]:
    """Each row with the number that it has among those with the same values in these columns, from 1 on.

    Null counts as an empty text: neither is a label.
    """
    seen: dict[tuple[Any, ...], int] = {}
    for row in rows:
        own = tuple("" if row[number] is None else row[number] for number in labels)
        seen[own] = seen.get(own, 0) + 1
        yield row, seen[own]


def label(kind: str, value: Any) -> str:
    """A value as a label; empty for none."""
    if value is None:
        return ""
    if kind == "timestamp":
        return iso(value) or ""
    return str(value).lower() if isinstance(value, bool) else str(value)
