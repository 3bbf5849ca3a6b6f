"""What was noticed of the events that a file gave."""

import json
from dataclasses import dataclass, field

_NO_OBJECT = "no JSON object"


@dataclass
class Tally:
    """Counts of events and of lines that are none."""

    lines: int = 0
    """Lines read, empty ones too; the number of the line that is read now."""
    events: int = 0
    not_objects: int = 0
    """Events that are no JSON objects."""
    left_out: dict[str, int] = field(default_factory=dict)
    """Lines that can't be events, by cause."""
    first: dict[str, int] = field(default_factory=dict)
    """The line of the first of each kind; 0 where events have no lines."""
    kind: str = ""
    """What the file was taken for, where its lines are not sent as they stand."""

    def count(self, payload: bytes) -> bytes:
        """Count an event and return it."""
        self.events += 1
        if not is_object(payload):
            self.not_objects += 1
            self.first.setdefault(_NO_OBJECT, self.lines)
        return payload

    def leave_out(self, cause: str) -> None:
        """Count the current line as one that is not sent."""
        self.left_out[cause] = self.left_out.get(cause, 0) + 1
        self.first.setdefault(cause, self.lines)

    @property
    def lines_left_out(self) -> int:
        """How many lines are not sent."""
        return sum(self.left_out.values())

    def warnings(self) -> list[str]:
        """A line for each kind of thing to know."""
        told = [
            f"{number} left out, the first at line {self.first[cause]}: {cause}"
            for cause, number in self.left_out.items()
        ]
        if self.not_objects:
            where = f", the first at line {self.first[_NO_OBJECT]}" if self.first[_NO_OBJECT] else ""
            told.append(
                f"{self.not_objects} of {self.events} events are no JSON objects{where}; they are sent as they stand"
            )
        return told


def is_object(payload: bytes) -> bool:
    """Whether a note can read the event's fields: it is one JSON object."""
    if not payload.lstrip().startswith(b"{"):
        return False
    try:
        return isinstance(json.loads(payload), dict)
    except (ValueError, RecursionError):
        return False
