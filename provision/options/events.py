"""The options that say what events look like: those of a bundle's parameters that `apply` takes too."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click

from provision.bundles.bundle import DEFAULT_BUNDLE, load_bundle
from provision.bundles.event_form import PARAMETERS, EventForm, event_form
from provision.bundles.reading import reading
from provision.errors import UsageError
from provision.events.rows import RowReader
from provision.options.usual_bundle import usual_bundles
from provision.prepare import APPID, parameters
from provision.project.option import NamedValues

_OPTIONS = (
    click.option(
        "--bundle",
        metavar="NAME|DIR",
        help=f"Bundle or its folder, whose parameters count.  [default: {DEFAULT_BUNDLE}]",
    ),
    click.option(
        "--param",
        "pairs",
        cls=NamedValues,
        multiple=True,
        metavar="NAME=VALUE",
        help="A parameter, as apply takes it; repeatable.",
    ),
)


@dataclass(frozen=True)
class EventOptions:
    """What the options of `event_options` say."""

    bundle: str | None = None
    pairs: tuple[str, ...] = ()

    @property
    def given(self) -> dict[str, str]:
        """The parameters that are given."""
        return parameters(self.pairs)

    def values(self) -> dict[str, Any]:
        """Every parameter's value; raises `UsageError`."""
        return load_bundle(usual_bundles(self.pairs, named=self.bundle)[0]).values({APPID: "appid", **self.given})

    def form(self) -> EventForm:
        """What the events are; raises `UsageError`, also for a bundle that has no say in it."""
        values = self.values()
        missing = [name for name in PARAMETERS if name not in values]
        if missing:
            raise UsageError(
                f"bundle {self.bundle} has no parameter {missing[0]!r}: its events have one form",
                next_step=f"take --bundle {DEFAULT_BUNDLE}",
            )
        return event_form(values)

    def reader(self) -> RowReader:
        """What reads messages as the note does; raises `UsageError`."""
        values, form = self.values(), self.form()
        return RowReader(form, reading(values, form.fields), values.get("topic_column") == "yes")

    @property
    def says_form(self) -> bool:
        """Whether a parameter says what events are."""
        return bool(self.given.keys() & set(PARAMETERS))


def event_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options; the command gets them as one `events: EventOptions`."""

    @functools.wraps(command)
    def with_events(*args: Any, bundle: str | None, pairs: tuple[str, ...], **others: Any) -> Any:
        return command(*args, events=EventOptions(bundle, pairs), **others)

    decorated: Callable[..., Any] = with_events
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated
