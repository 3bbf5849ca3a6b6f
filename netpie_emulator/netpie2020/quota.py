"""What an account may use in a month. A quota that is used up stays so until the emulator ends."""

from dataclasses import dataclass, field

from netpie_emulator.errors import EmulatorError

MESSAGE_BLOCK = 4096  # bytes
API_BLOCK = 4096  # bytes
SHADOW_BLOCK = 1024  # bytes
COUNTS = ("projects", "devices")  # of the account; free ones are 3 and 10. None is set unless it is asked for
FREE = {
    "messages": 9_000_000,  # each publish, each delivery, each subscribe and connect
    "shadow": 500_000,
    "points": 1_000_000,  # kept for a month
    "api": 800_000,  # request and answer
    "triggers": 5_000,
}


def blocks(size: int, block: int) -> int:
    """Return how many blocks `size` bytes count as: one at least."""
    return max(1, -(-size // block))


@dataclass
class Quota:
    """Limits by kind (`FREE` has them all), and what is used of each."""

    limits: dict[str, int] = field(default_factory=lambda: dict(FREE))
    used: dict[str, float] = field(default_factory=lambda: dict.fromkeys(FREE, 0))

    def spend(self, kind: str, count: float = 1) -> bool:
        """Use `count` of a kind; False when that is more than what is left, and then all is used up."""
        if self.used[kind] + count > self.limits[kind]:
            self.used[kind] = self.limits[kind]
            return False
        self.used[kind] += count
        return True

    def is_out(self, kind: str) -> bool:
        """Whether nothing is left of a kind."""
        return self.used[kind] >= self.limits[kind]


def quota_of(settings: list[str]) -> Quota:
    """Return the free quota with `KIND=COUNT` settings; a kind is one of `FREE` or of `COUNTS`.

    Raises: EmulatorError.
    """
    limits = dict(FREE)
    for setting in settings:
        kind, _, count = setting.partition("=")
        if kind not in (*FREE, *COUNTS) or not (count.isascii() and count.isdigit()):
            kinds = ", ".join((*FREE, *COUNTS))
            raise EmulatorError(f"--quota {setting}: it is no KIND=COUNT", next_step=f"a kind is one of {kinds}")
        limits[kind] = int(count)
    return Quota(limits)
