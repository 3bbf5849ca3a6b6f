"""The bundle of a note for which none is named: the default one where it can run and has what is asked."""

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from provision.bundles.bundle import DEFAULT_BUNDLE, OLDER_BUNDLE, USUAL_BUNDLES, Bundle, load_bundle
from provision.console import Console
from provision.errors import UsageError
from provision.prepare import APPID, parameters
from provision.streams.spark_probe import python_with_spark
from zeppelin_sdk import ZeppelinClient

if TYPE_CHECKING:
    from provision.embedded.record import Stack


def usual_bundles(pairs: Iterable[str], columns: Collection[str] = (), named: str | None = None) -> list[str]:
    """The bundle that is `named`, else the usual ones that can have what `pairs` ask, the better first; where none can,
    the one that comes nearest.

    What none of them knows is left to the note's own bundle. `columns` are names that may be parameters. Raises
    `UsageError`.
    """
    if named:
        return [named]
    loaded = [load_bundle(name) for name in USUAL_BUNDLES]
    known = set[str]().union(*(bundle.parameters for bundle in loaded))
    given = {name: value for name, value in parameters(pairs).items() if name in known}
    asked = given.keys() | (known & set(columns))
    fitting = [bundle for bundle in loaded if asked <= bundle.parameters.keys()] or loaded[:1]
    return [bundle.name for bundle in fitting if _takes(bundle, given)] or [fitting[0].name]


def _takes(bundle: Bundle, given: Mapping[str, str]) -> bool:
    try:
        bundle.each_value({APPID: "appid", **{name: value for name, value in given.items() if value}})
    except UsageError:
        return False
    return True


def _has_python(embedded: "Stack | None") -> bool:
    """Whether it is the embedded stack with its own Python, which has Spark once a note wants it."""
    if embedded is None:
        return False
    from provision.embedded.python import takes_python  # not needed for a named server

    return takes_python(embedded.runtime.zeppelin_home)


def runnable_bundle(
    client: ZeppelinClient, usual: Collection[str], embedded: "Stack | None", console: Console, *, ask: bool = True
) -> tuple[str, str]:
    """The first of these that the server can run, and the interpreter that has Spark in Python; empty for none.

    Where there is something to choose it starts Python, once it has what it needs on an embedded stack, and tells why
    where none has Spark. Without `ask` it starts nothing, takes the first, and tells that it may be the other. Raises
    `HeldError`.
    """
    first = next(iter(usual))
    if set(usual) != set(USUAL_BUNDLES) or _has_python(embedded):
        return first, ""
    if not ask:
        console.say(f"planned with {first}; an apply takes {OLDER_BUNDLE} where no Python of the server has Spark")
        return first, ""
    if embedded is not None:
        from provision.embedded.python import ready_python  # not needed for a named server

        ready_python(embedded.runtime.zeppelin_home, embedded.runtime.spark_home, console)
    try:
        with console.step("asking the server which Python has Spark"):
            return DEFAULT_BUNDLE, python_with_spark(client)
    except UsageError as error:
        console.say(f"bundle {OLDER_BUNDLE}, in Scala: {error.message}")
        return OLDER_BUNDLE, ""
