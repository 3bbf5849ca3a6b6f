"""Whether a device is in the group that is meant: only devices of one group hear each other's messages."""

from collections.abc import Collection

from provision.errors import UsageError

_MOVE = "put it into the group on its page on NETPIE, or name another device"


def check_group(client_id: str, scope: str, *, wanted: str = "", heard: Collection[str] = ()) -> None:
    """Check the PROJECT/GROUP that a device is in, `scope`; empty: none.

    `wanted` is what a person has asked for, with or without the project. Without it, and where something is `heard` at
    all, it has to be one of those.

    Raises: UsageError, also for a device of no group.
    """
    if not scope:
        raise UsageError(
            f"device {client_id} is in no group: nobody else hears its messages, and it hears nobody's",
            next_step=_MOVE,
        )
    if wanted and wanted not in (scope, scope.partition("/")[2]):
        raise UsageError(f"device {client_id} is in group {scope}, not in {wanted}", next_step=_MOVE)
    if not wanted and heard and scope not in heard:
        groups = ", ".join(sorted(heard))
        raise UsageError(
            f"device {client_id} is in group {scope}; the notes that were applied here hear messages of {groups}",
            next_step=f"{_MOVE}; --group {scope} says that it is meant",
        )
