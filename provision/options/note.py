"""The options of `plan` and `apply`: which note, and how conflicts are settled."""

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from provision.bundles.bundle import DEFAULT_BUNDLE, OLDER_BUNDLE, bundle_names, load_bundle
from provision.bundles.render import RenderedNote
from provision.bundles.template import ASK
from provision.console import Console
from provision.errors import UsageError
from provision.mqtt.login import plain_warning
from provision.options.application import ApplicationOptions, application_options
from provision.options.server import ServerOptions, server_options
from provision.options.stack import spark_options
from provision.options.usual_bundle import runnable_bundle, usual_bundles
from provision.platforms import platform_of_site
from provision.platforms.platform import Client, Forecasts, Place, PlatformAccount
from provision.prepare import (
    NoteSpec,
    bundle_path,
    check_each_value,
    check_spec,
    clean_path,
    fit_embedded,
    note_spec,
    parameters,
    render_for,
)
from provision.project.option import NamedValues
from provision.sync.apply import read_note
from provision.sync.plan import OURS, THEIRS, Decision
from provision.sync.provenance import Origin, by_key, origin
from provision.sync.remembered import bundle_of, told
from zeppelin_sdk import ZeppelinClient, ZeppelinError

if TYPE_CHECKING:
    from provision.embedded.record import Stack

_OPTIONS = (
    application_options,
    server_options,
    click.option(
        "--bundle",
        metavar="NAME|DIR",
        help="Bundle or its folder.  [default: the one that the note was applied with, else "
        f"{DEFAULT_BUNDLE} where the server has Spark from 3.3 in Python, else {OLDER_BUNDLE}]",
        shell_complete=lambda _ctx, _param, start: _bundles(start),
    ),
    click.option(
        "--param",
        "pairs",
        cls=NamedValues,
        multiple=True,
        metavar="NAME=VALUE",
        help="A parameter of the bundle; repeatable. NAME= is for the bundle's default.  "
        "[default: what the note was applied with]",
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
class AskedNote:
    """Which note is asked for, what its last apply noted, whose account it takes, and its bundle, for `load_bundle`.

    `is_applied`: the note is on the server, with paragraphs of a bundle.
    """

    path: str
    noted: Origin
    options: ApplicationOptions
    bundle: str
    is_applied: bool = False

    def account(self, *, planning: bool) -> PlatformAccount:
        """The account that is named, else the note's; `planning`: its secrets need not be known."""
        platform = platform_of_site(self.noted.site)
        options = self.options
        default: Mapping[str, str] = {}
        noted = platform.name if self.noted.site else None
        if options.platform(noted) is platform:
            default = platform.noted(self.noted.values, self.noted.site)
        return options.named(default, noted) if planning else options.account(default, noted)


@dataclass(frozen=True)
class NoteOptions:
    """What the options of `note_options` say; without `bundle` the note's own is meant, and for a new one `usual`."""

    application: ApplicationOptions
    server: ServerOptions
    bundle: str | None = None
    pairs: tuple[str, ...] = ()
    path: str | None = None
    decision: Decision = field(default_factory=Decision)
    usual: str = DEFAULT_BUNDLE

    def embedded_stack(self, console: Console) -> "Stack | None":
        """The embedded stack that runs, which is told; None when a server is named.

        Raises `UsageError` for wrong words, and when there is neither.
        """
        self._check_words()
        if not self.server.embedded:
            return None
        running = self.server.running_stack()
        console.say(f"on the embedded Zeppelin, {running.url}")
        return running

    def application_for(self, embedded: "Stack | None", noted: Origin | None = None) -> ApplicationOptions:
        """The account that the command line names, else the note's, else the embedded NETPIE's on its stack."""
        named = with_broker(self.application, self.pairs)
        site = noted.site if noted else {}
        other = (named.given.hints and not site) or site.get("appkey", "") not in (
            "",
            embedded and embedded.netpie.appkey,
        )
        if embedded is None or named.names_account or other:
            return named
        return self.application.of_embedded(embedded.netpie.auth)

    @contextmanager
    def rendered(
        self, console: Console, embedded: "Stack | None", *, read_only: bool = False, check_broker: bool = False
    ) -> Iterator[tuple[ZeppelinClient, RenderedNote]]:
        """A client of the server, and the note rendered for it, over what its last apply was given.

        What can be known to be wrong is told before a thing is made at NETPIE, and with `check_broker` a broker that
        this machine does not reach. With `read_only` none is made, and nobody is asked but Zeppelin: stand-ins take the
        place of what only an apply gets.
        """
        paths = self._paths(embedded)
        with self.server.connect_running() as client:
            each = self._asked_each(client, paths, embedded)
            asked = next(iter(each.values()))
            account = asked.account(planning=read_only)
            spec = self._runnable(client, each, account.place, embedded, console, ask=not read_only)
            tell_forecast(console, account, spec.values["topic"], only_over=not read_only)
            if read_only:
                of_note = account.planned(known_broker(asked.noted, embedded))
            else:
                with console.step("credentials"):
                    of_note = account.client()
                    of_note = of_note.reachable("nothing was written") if check_broker else of_note
                tell_of_plain(console, of_note, asked.noted)
                spec = fit_embedded(spec, embedded.runtime, console) if embedded else spec
            rendered = render_for(client, spec, of_note, read_only=read_only)
            if not read_only:
                for line in told(asked.noted, rendered):
                    console.say(line)
            yield client, rendered

    def _asked_each(
        self, client: ZeppelinClient, paths: Mapping[str, str], embedded: "Stack | None"
    ) -> dict[str, AskedNote]:
        """As `asked`, by bundle: of the first of these paths where a note is, and of nothing else, or of a new note for
        each. Where the server does not tell which bundle the note has, what is wrong with the words is told first.
        """
        found = {}
        try:
            for name, path in paths.items():
                asked = replace(self, usual=name).asked(client, path, embedded)
                if asked.is_applied:
                    return {name: asked}
                found[name] = asked
        except ZeppelinError:
            self._check_values()
            raise
        return found

    def _runnable(
        self,
        client: ZeppelinClient,
        each: Mapping[str, AskedNote],
        place: Place,
        embedded: "Stack | None",
        console: Console,
        *,
        ask: bool,
    ) -> NoteSpec:
        """As `spec`, of the first of the notes whose bundle takes what is asked, and with `ask` runs on the server."""
        specs: dict[str, NoteSpec] = {}
        wrong: list[UsageError] = []
        for name, asked in each.items():
            try:
                specs[name] = self.spec(asked, place, embedded, console)
            except UsageError as error:
                wrong.append(error)
        if not specs:
            raise wrong[0]
        name, python = runnable_bundle(client, specs, embedded, console, ask=ask)
        spec = specs[name]
        asks = python and spec.values.get("python") == ASK
        return replace(spec, values={**spec.values, "python": python}) if asks else spec

    def asked(self, client: ZeppelinClient, path: str, embedded: "Stack | None" = None) -> AskedNote:
        """What is asked of the note at `path`, as it is on the server."""
        live = read_note(client, path)
        noted = origin(live) if live else Origin()
        is_applied = live is not None and bool(by_key(live))
        # a version that noted none had this one bundle to be meant
        usual = OLDER_BUNDLE if is_applied else self.usual
        bundle = self.bundle or bundle_of(noted) or usual
        return AskedNote(path, noted, self.application_for(embedded, noted), bundle, is_applied=is_applied)

    def spec(
        self,
        asked: AskedNote,
        place: Place,
        embedded: "Stack | None",
        console: Console,
        pairs: tuple[str, ...] | None = None,
    ) -> NoteSpec:
        """What `pairs`, by default the options', ask over what the note was applied with, checked; raises `UsageError`.

        On the embedded stack it has the jar files that `fit_embedded` is still to make.
        """
        bundle = load_bundle(asked.bundle)
        given = self.pairs if pairs is None else pairs
        spec = note_spec(bundle, given, place, asked.path, asked.noted, embedded=embedded is not None)
        spec = fit_embedded(spec, embedded.runtime, console, make=False) if embedded else spec
        check_spec(spec)
        return spec

    def _paths(self, embedded: "Stack | None") -> dict[str, str]:
        """By bundle the paths where the note may be: one that is named, else one for each bundle that may be meant."""
        if self.path:
            return dict.fromkeys(self.bundles(), clean_path(self.path))
        place = self.application_for(embedded).named().place
        return {name: bundle_path(load_bundle(name), self.pairs, place) for name in self.bundles()}

    def bundles(self) -> list[str]:
        """The bundle that is named, else those that may be meant, the better first, for `load_bundle`."""
        return usual_bundles(self.pairs, named=self.bundle)

    def _check_words(self) -> None:
        """Raise `UsageError` for what is wrong whatever the note was applied with.

        Which parameters there are is known where a bundle is named, or where no note can be asked for its own.
        """
        parameters(self.pairs)
        if self.path:
            clean_path(self.path)
        if self.bundle is not None or not self.server.is_there():
            self._check_values()

    def _check_values(self) -> None:
        check_each_value(load_bundle(self.bundles()[0]), self.pairs)


def known_broker(noted: Origin, embedded: "Stack | None") -> str:
    """The broker that an apply of the note would take, as far as nobody has to be asked, as an endpoint; else empty."""
    if noted.site.get("broker"):
        return noted.site["broker"]
    return f"pie://{embedded.netpie.mqtt}" if embedded else ""


def with_broker(options: ApplicationOptions, pairs: Iterable[str]) -> ApplicationOptions:
    """The options with the broker that `--param broker=…` names, where that may stand for a platform by itself.

    With `broker_login` it does not: that is for an application of NETPIE 2015 at a broker of one's own.
    """
    given = parameters(pairs)
    if not given.get("broker") or given.get("broker_login"):
        return options
    return replace(options, given=replace(options.given, hints={"broker": given["broker"]}))


def tell_of_plain(console: Console, client: Client, noted: Origin) -> None:
    """Say once of a broker beyond this machine that its connection is without TLS: at the first apply with it."""
    warning = plain_warning(client.broker_url)
    if warning and noted.site.get("broker") != client.broker_url:
        console.say(f"warning: {warning}", style="yellow")


def tell_forecast(console: Console, account: PlatformAccount, topics: str, *, only_over: bool) -> None:
    """Say what the note takes of what the platform allows in a month; `only_over`: where that is too much."""
    for text, over in account.forecast(topics) if isinstance(account, Forecasts) else ():
        if over or not only_over:
            console.say(text, style="yellow" if over else None)


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
        bundle: str | None,
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
