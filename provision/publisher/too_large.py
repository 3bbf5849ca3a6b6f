"""Which event a broker closes the connection on: most do that on one larger than they take, without a word."""

from provision.publisher.link import Outgoing

TRIES = 2  # connections that were closed on one event alone
SMALL = 1024  # bytes; every broker takes so much
CLEARLY = 2  # times the largest event that the broker took


class TooLarge:
    """Watches lost connections at QoS 1. After one that acknowledged nothing, its oldest event is to be sent alone."""

    def __init__(self) -> None:
        self._number = 0
        self._losses = 0
        self._largest = 0

    @property
    def suspected(self) -> bool:
        """Whether the next connection should send one event at a time."""
        return self._losses > 0

    def closed_on(self, oldest: Outgoing | None, largest: int) -> bool:
        """Note a lost connection; return whether `oldest`, which it did not acknowledge, is too large for the broker.

        `largest` is the largest event that the connection acknowledged, in bytes. Other causes close connections too
        (another client with the same token), so only an event much larger than what the broker took is meant.
        """
        self._largest = max(self._largest, largest)
        if oldest is None or oldest.number != self._number:
            self._number = oldest.number if oldest else 0
            self._losses = 0
        limit = CLEARLY * self._largest if self._largest else SMALL
        if oldest is None or len(oldest.payload) <= limit:
            self._losses = 0
            return False
        self._losses += 1
        if self._losses <= TRIES:  # the first loss may be another event's fault
            return False
        self._losses = 0
        return True
