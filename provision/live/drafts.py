"""What one person types in one paragraph, while others may change it. Pure."""

from dataclasses import dataclass, field

from provision.sync.merge import merge_texts


@dataclass(frozen=True)
class _Change:
    """The text of `[start, end)` replaced by `text`."""

    start: int
    end: int
    text: str


def _change(old: str, new: str) -> _Change:
    """The smallest single change that makes `new` out of `old`."""
    most = min(len(old), len(new))
    start = next((at for at in range(most) if old[at] != new[at]), most)
    rest = most - start
    same = next((at for at in range(rest) if old[-1 - at] != new[-1 - at]), rest)
    return _Change(start, len(old) - same, new[start : len(new) - same])


def joined(base: str, mine: str, theirs: str) -> str:
    """`base` with what both have changed. Nothing that either has typed is lost.

    By lines first; of one line that both have changed, by characters; where both replaced the same ones, what they
    typed follows each other, theirs first.
    """
    if mine in (base, theirs):
        return theirs
    if theirs == base:
        return mine
    by_lines = merge_texts(base, mine, theirs)
    if by_lines is not None:
        return by_lines
    one, other = _change(base, mine), _change(base, theirs)
    if one.end <= other.start and (one.end < other.start or one.start < one.end):
        return base[: one.start] + one.text + base[one.end : other.start] + other.text + base[other.end :]
    if other.end <= one.start:
        return base[: other.start] + other.text + base[other.end : one.start] + one.text + base[one.end :]
    start, end = min(one.start, other.start), max(one.end, other.end)
    return base[:start] + other.text + one.text + base[end:]


@dataclass
class Draft:
    """An editor's text, and the server's text that it is based on; `sending` is the one that is on its way."""

    base: str
    text: str = field(default="")
    sending: str | None = None

    @classmethod
    def of(cls, text: str) -> "Draft":
        """An editor that shows the server's text."""
        return cls(text, text)

    @property
    def is_dirty(self) -> bool:
        """Whether there is something to send."""
        return self.text != self.base

    def typed(self, text: str) -> None:
        """The editor has this text now."""
        self.text = text

    def offer(self, live: str) -> str | None:
        """What the editor should show, now that the server has `live`; None for what it shows."""
        if self.sending is not None or live == self.base:
            return None
        together = joined(self.base, self.text, live)
        if together == self.text:
            self.base = live
            return None
        return together

    def took(self, live: str, shown: str) -> None:
        """The editor shows what was offered."""
        self.base, self.text = live, shown

    def send(self) -> str:
        """The text to send; until `sent` or `failed` nothing is offered."""
        self.sending = self.text
        return self.text

    def sent(self) -> None:
        """What was sent is in the server, maybe along with what others have typed."""
        if self.sending is not None:
            self.base = self.sending
        self.sending = None

    def failed(self) -> None:
        """What was sent is not in the server, as far as is known."""
        self.sending = None
