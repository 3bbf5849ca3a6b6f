"""The notes of this tool on a server: which streams fail, and why."""

from collections import Counter
from collections.abc import Callable, Iterator

from provision.finding import Finding, fail, ok, warn
from provision.streams.listing import Listed, list_notes
from zeppelin_sdk import ZeppelinClient


def check_notes(client: ZeppelinClient, connect: Callable[[], ZeppelinClient]) -> Iterator[Finding]:
    """How many there are in which state, and each whose stream fails. Raises `ZeppelinError`."""
    listed = list_notes(client, connect)
    yield ok("notes", told(listed))
    for each in listed:
        if each.state == "failing":
            next_step = f"correct the paragraph that it comes from, then `provision run {each.note.id}`"
            yield fail("stream", f"{each.note.path}: its newest batch failed: {each.failure}", next_step)
        elif each.state == "failed":
            yield warn("stream", f"{each.note.path}: a paragraph failed", f"see `provision status {each.note.id}`")


def told(listed: list[Listed]) -> str:
    """How many notes there are in which state, in words."""
    counts = Counter(each.state for each in listed)
    states = ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))
    return f"{len(listed)} made by provision" + (f": {states}" if states else "")
