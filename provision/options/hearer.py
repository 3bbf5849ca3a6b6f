"""A listener with what a platform gives for one."""

from collections.abc import Callable

from provision.events.listen import Listener
from provision.platforms.platform import Hearer


def listener(hearer: Hearer, say: Callable[[str], None]) -> Listener:
    """The listener; `say` gets a line about each lost connection, and each new one."""
    return Listener(hearer.login, hearer.topics, shown=hearer.shown, renew=hearer.renew, say=say)
