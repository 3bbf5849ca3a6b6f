"""What a note was applied with: the default of the next apply."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from provision.bundles.bundle import Bundle, bundle_names
from provision.bundles.parameters import Parameter, as_text
from provision.bundles.render import RenderedNote
from provision.bundles.values.spark import check_properties
from provision.errors import UsageError, hide_passwords
from provision.sync.provenance import Origin
from provision.terminal import harmless


def remembered(noted: Origin, bundle: Bundle, own: Collection[str] = ()) -> dict[str, str]:
    """The parameters, as text, that the note's last apply was given, as far as the bundle has them.

    Older versions noted all values: what is not the bundle's default counts as given. `own` are parameters that such a
    value of is the tool's, as the jar files of the embedded stack.
    """
    if noted.given is not None:
        given = noted.given
    else:
        given = {
            name: value
            for name, value in noted.values.items()
            if name not in own and not _is_default(bundle.parameters.get(name), value)
        }
    return {name: value for name, value in given.items() if name in bundle.parameters}


def values_of(bundle: Bundle, asked: Mapping[str, str], kept: Mapping[str, str]) -> dict[str, Any]:
    """The bundle's values for what is `asked` over what is `kept` from the last apply.

    Raises `UsageError`, which says what to do about a value that was kept.
    """
    try:
        return bundle.values({**kept, **asked})
    except UsageError as error:
        _check_alone(bundle, asked, error)
        names = sorted(name for name in kept.keys() - asked.keys() if name in error.message)
        was = ", ".join(f"{name}={_shown(name, kept[name])}" for name in names)
        raise UsageError(
            f"{error.message}; the note was applied with {was}",
            next_step=f"{error.next_step}, or take the bundle's default with --param NAME=",
        ) from error


def _check_alone(bundle: Bundle, asked: Mapping[str, str], error: UsageError) -> None:
    """Raise `error` where what is asked is wrong by itself."""
    try:
        bundle.values(asked)
    except UsageError as alone:
        if alone.message == error.message:
            raise error from None


def bundle_of(noted: Origin) -> str:
    """The bundle that the note was applied with, for `load_bundle`; empty where none is noted.

    Raises `UsageError` for one that is not here.
    """
    if noted.folder and not Path(noted.folder, "note.toml").is_file():
        raise UsageError(
            f"the note was applied with the bundle in {noted.folder}, which is not on this machine",
            next_step="name its folder with --bundle DIR",
        )
    if not noted.folder and noted.bundle and noted.bundle not in bundle_names():
        raise UsageError(
            f"the note was applied with a bundle {noted.bundle!r} that is none of the tool's",
            next_step="name its folder with --bundle DIR",
        )
    return noted.folder or noted.bundle


def told(noted: Origin, note: RenderedNote) -> Iterator[str]:
    """A line for each thing of the note that is other than at its last apply: "window: 30 -> 60"."""
    yield from map(harmless, _told(noted, note))


def _told(noted: Origin, note: RenderedNote) -> Iterator[str]:
    if noted.bundle and (noted.bundle, noted.folder) != (note.bundle, note.folder):
        yield f"bundle: {noted.folder or noted.bundle} -> {note.folder or note.bundle}"
    for name, before in noted.values.items():
        if name in note.values and before != note.values[name]:
            yield f"{name}: {_shown(name, before)} -> {_shown(name, note.values[name])}"
    for name in sorted((noted.values if noted.given is None else noted.given).keys() - note.values.keys()):
        was = _shown(name, noted.values.get(name, ""))
        yield f"{name}: {was} -> left out, as bundle {note.bundle} has no such parameter"


def _shown(name: str, value: str) -> str:
    """A value to show; not one of Spark's properties that is refused today, as a secret is, and was not once."""
    if name == "spark_properties":
        try:
            check_properties(value)
        except UsageError:
            return "(not shown)"
    return hide_passwords(value) or "(none)"


def _is_default(parameter: Parameter | None, value: str) -> bool:
    return parameter is not None and parameter.default is not None and value == as_text(parameter.default)
