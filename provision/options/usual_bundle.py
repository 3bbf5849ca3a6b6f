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


def usual_bundles(pairs: Iterable[str], columns: Collection[str] = ()) -> list[str]:
    """The usual bundles that can have what `pairs` ask, the better first; where none can, the one that comes nearest.

    What none of them knows is left to the note's own bundle. `columns` are names that may be parameters. Raises
    `UsageError`.
    """
    loaded = [load_bundle(name) for name in USUAL_BUNDLES]
    known = set[str]().union(*(bundle.parameters for bundle in loaded))
    given = {name: value for name, value in parameters(pairs).items() if name in known}
    asked = given.keys() | (known & set(columns))
    named = [bundle for bundle in loaded if asked <= bundle.parameters.keys()] or loaded[:1]
    return [bundle.name for bundle in named if _takes(bundle, given)] or [named[0].name]


def _takes(bundle: Bundle, given: Mapping[str, str]) -> bool:
    try:
        bundle.each_value({APPID: "appid", **{name: value for name, value in given.items() if value}})
    except UsageError:
        return False
    return True


def usual_bundle(pairs: Iterable[str], columns: Collection[str] = ()) -> str:
    """The first of `usual_bundles`, where no server is asked."""
    return usual_bundles(pairs, columns)[0]


def has_python(embedded: "Stack | None") -> bool:
    """Whether it is the embedded stack with its own Python, which has Spark once a note wants it."""
    if embedded is None:
        return False
    from provision.embedded.python import takes_python  # not needed for a named server

    return takes_python(embedded.runtime.zeppelin_home)


def planned_bundle(usual: Collection[str], embedded: "Stack | None", console: Console) -> str:
    """The first of these, for a plan, which starts nothing to find out; told where an apply may take another."""
    name = next(iter(usual))
    if len(usual) > 1 and not has_python(embedded):
        console.say(f"planned with {name}; an apply takes {OLDER_BUNDLE} where no Python of the server has Spark")
    return name


def runnable_bundle(
    client: ZeppelinClient, usual: Collection[str], embedded: "Stack | None", console: Console
) -> tuple[str, str]:
    """The first of these that the server can run, and the interpreter that has Spark in Python; empty for none.

    Where there is something to choose it starts Python, once it has what it needs on an embedded stack, and tells why
    where none has Spark. Raises `HeldError`.
    """
    if set(usual) != set(USUAL_BUNDLES):
        return next(iter(usual)), ""
    if embedded is not None:
        from provision.embedded.python import ready_python  # not needed for a named server

        ready_python(embedded.runtime.zeppelin_home, embedded.runtime.spark_home, console)
    try:
        with console.step("asking the server which Python has Spark"):
            return DEFAULT_BUNDLE, python_with_spark(client)
    except UsageError as error:
        console.say(f"bundle {OLDER_BUNDLE}, in Scala: {error.message}")
        return OLDER_BUNDLE, ""
