"""What the data store has of a device, whole: it cuts off the newest points and says nothing of it.

At most 100,000 raw points over all fields come back, the oldest. So each question goes on from the newest point of the
answer before, until nothing new comes, whatever the limit is.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from provision.errors import ProvisionError, UnreachableError
from provision.platforms.netpie2020.api import Api

Value = int | float | str


@dataclass(frozen=True)
class Reading:
    """What was stored of a device at a time (epoch ms), by field."""

    timestamp: int
    values: dict[str, Value]


def rows(api: Api, start: int, end: int, fields: list[str] | None = None) -> Iterator[Reading]:
    """Return what was stored from `start` to `end` (epoch ms, both included), oldest first, of `fields` or of all.

    Raises, as it is read: what `Api.query` raises; ProvisionError where the store can't tell all of a millisecond.
    """
    held: dict[str, Value] = {}  # what is known of the millisecond `start`, which an answer may have cut in two
    while page := _page(api, start, end, fields):
        newest = max(page)
        first = {**held, **page.pop(start, {})}
        if newest > start:
            if first:
                yield Reading(start, first)
            yield from (Reading(moment, page[moment]) for moment in sorted(page) if moment != newest)
            held, start = page[newest], newest
        elif first != held:
            held = first
        elif _page(api, start + 1, end, fields):
            raise ProvisionError(
                f"device {api.device.client_id}: the data store does not return all points of one millisecond",
                next_step="name fewer fields with --field",
            )
        else:
            break
    if held:
        yield Reading(start, held)


def _page(api: Api, start: int, end: int, fields: list[str] | None) -> dict[int, dict[str, Value]]:
    """The points of one answer, by time and field."""
    metric: dict[str, Any] = {"name": api.device.client_id, "group_by": [{"name": "tag", "tags": ["attr"]}]}
    if fields:
        metric["tags"] = {"attr": fields}
    if start > end:
        return {}
    answer = api.query({"start_absolute": start, "end_absolute": end, "metrics": [metric]})
    found: dict[int, dict[str, Value]] = {}
    try:
        for result in answer["queries"][0]["results"]:
            for timestamp, value in result["values"]:
                found.setdefault(int(timestamp), {})[str(result["tags"]["attr"][0])] = value
    except (KeyError, IndexError, TypeError, ValueError):
        raise UnreachableError(
            f"{api.store}: its answer is not a data store's", next_step="check the address"
        ) from None
    return found
