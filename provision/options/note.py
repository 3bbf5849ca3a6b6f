"""The options of `plan` and `apply`: which note, and how conflicts are settled."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from provision.bundles.bundle import DEFAULT_BUNDLE, bundle_names, load_bundle
from provision.bundles.render import RenderedNote
from provision.console import Console
from provision.errors import UsageError
from provision.options.application import ApplicationOptions, application_options
from provision.options.server import ServerOptions, server_options
from provision.options.stack import spark_options
from provision.prepare import fit_embedded, note_spec, render_for
from provision.sync.plan import OURS, THEIRS, Decision
from zeppelin_sdk import ZeppelinClient

if TYPE_CHECKING:
    from provision.embedded.record import Stack

_OPTIONS = (
    application_options,
    server_options,
    click.option(
        "--bundle",
        default=DEFAULT_BUNDLE,
        show_default=True,
        metavar="NAME|DIR",
        help="Bundle or its folder.",
        shell_complete=lambda _ctx, _param, start: _bundles(start),
    ),
    click.option(
        "--param", "pairs", multiple=True, metavar="NAME=VALUE", help="A parameter of the bundle; repeatable."
    ),
    spark_options,
    click.option("--note", "path", metavar="PATH", help="The note's path in Zeppelin.  [default: the bundle's]"),
    click.option("--ours", "decide", flag_value=OURS, help="At a conflict keep the text that is in the note."),
    click.option("--theirs", "decide", flag_value=THEIRS, help="At a conflict take the bundle's text."),
    click.option(
        "--ours-of", multiple=True, metavar="KEY", help="Keep the note's text of this paragraph, whatever; repeatable."
    ),
    click.option(
        "--theirs-of", multiple=True, metavar="KEY", help="Take the bundle's text of this paragraph; repeatable."
    ),
)


@dataclass(frozen=True)
class NoteOptions:
    """What the options of `note_options` say."""

    application: ApplicationOptions
    server: ServerOptions
    bundle: str
    pairs: tuple[str, ...] = ()
    path: str | None = None
    decision: Decision = field(default_factory=Decision)

    def embedded_stack(self, console: Console, *, start: bool) -> "Stack | None":
        """The embedded stack, started if `start`; None when a server is named."""
        if not self.server.embedded:
            return None
        from provision.embedded import stack  # slow to import, not needed for a named server

        return stack.up(stack.Choice(), stack.Ports(), console)[0] if start else stack.find()

    def application_for(self, embedded: "Stack | None") -> ApplicationOptions:
        """The application that the command line names, else the embedded NETPIE's on the embedded stack."""
        if embedded is None or self.application.names_application:
            return self.application
        return self.application.of_embedded(embedded.netpie.auth)

    @contextmanager
    def rendered(
        self, console: Console, embedded: "Stack | None", *, read_only: bool = False
    ) -> Iterator[tuple[ZeppelinClient, RenderedNote]]:  # fmt: skip
        """A client of the server, and the note rendered for it."""
        options = self.application_for(embedded)
        spec = note_spec(load_bundle(self.bundle), self.pairs, options.application().appid, self.path)
        with self.server.connect_running() as client:
            if embedded:
                spec = fit_embedded(spec, embedded.runtime, console)
            with console.step("credentials"):
                credentials = options.connectable()
            yield client, render_for(client, spec, credentials, read_only=read_only)


def _bundles(start: str) -> list[CompletionItem]:
    """The bundles whose names begin so; folders where none does."""
    names = [CompletionItem(name) for name in bundle_names() if name.startswith(start)]
    return names or [CompletionItem(start, type="dir")]


def note_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options; the command gets them as one `note: NoteOptions`."""

    @functools.wraps(command)
    def with_note(
        *args: Any,
        application: ApplicationOptions,
        server: ServerOptions,
        bundle: str,
        pairs: tuple[str, ...],
        path: str | None,
        decide: str | None,
        ours_of: tuple[str, ...],
        theirs_of: tuple[str, ...],
        **others: Any,
    ) -> Any:
        decision = Decision(decide, _by_key(ours_of, theirs_of))
        options = NoteOptions(application, server, bundle, pairs, path, decision)
        return command(*args, note=options, **others)

    decorated: Callable[..., Any] = with_note
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated


def _by_key(ours: tuple[str, ...], theirs: tuple[str, ...]) -> dict[str, str]:
    both = set(ours) & set(theirs)
    if both:
        raise UsageError(
            f"--ours-of and --theirs-of both name {min(both)!r}", next_step="give each paragraph one of them"
        )  # fmt: skip
    return dict.fromkeys(ours, OURS) | dict.fromkeys(theirs, THEIRS)
