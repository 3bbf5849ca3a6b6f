"""Everything on one machine: stack, publisher, note, windows; then it stops what it started."""

import contextlib
import os
import socket
import sys
import threading
import time
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from provision.bundles.bundle import load_bundle
from provision.bundles.context import FOLDER_PREFIX
from provision.bundles.render import RenderedNote
from provision.bundles.roles import Role
from provision.console import Console
from provision.drawing.chart import Chart, chart_of
from provision.embedded import mosquitto, netpie2020, processes, stack
from provision.embedded.application import APPID, application_file
from provision.embedded.distribution import NEWEST
from provision.errors import ProvisionError
from provision.home import data_dir, private_dir
from provision.live.history import History
from provision.options.application import ApplicationOptions
from provision.options.usual_bundle import runnable_bundle, usual_bundles
from provision.platforms import DEFAULT_PLATFORM, named_platform
from provision.platforms.platform import Given, Place, PlatformAccount
from provision.prepare import NoteSpec, check_spec, fit_embedded, note_spec, render_for, write_note
from provision.publisher import Publisher, host_metrics, publish_all
from provision.streams.measures import rounded
from provision.streams.run_note import NoteRun
from provision.streams.spark_page import SparkPage
from provision.streams.stop_note import stop_note
from provision.streams.window_sources import Asked, Files, Overheard, WindowSource
from provision.streams.windows import Window, as_table
from provision.sync.apply import Applying
from provision.sync.plan import OURS, Decision
from provision.sync.provenance import by_role
from provision.sync.undo_records import Records
from provision.waiting import wait_until
from zeppelin_sdk import ZeppelinClient

TOPIC = "metrics"
NOTE, PUBLISHER = "note-thing", "publisher-thing"
WINDOW_TIMEOUT = 120.0  # seconds to wait for the next window


@dataclass(frozen=True)
class Demo:
    """What to run; without a bundle one that the stack can run."""

    bundle: str | None
    windows: int
    pairs: tuple[str, ...] = ()
    every: float = 10.0
    platform: str = DEFAULT_PLATFORM


@dataclass(frozen=True)
class DemoResult:
    """What the demo did, for `--json` and the closing lines; `rows` is where the stream writes its rows."""

    zeppelin: str
    note: str
    note_id: str
    windows: tuple[Window, ...]
    published: int
    counted: int
    rows: str
    publisher_options: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "zeppelin": self.zeppelin,
            "note": self.note,
            "windows": [window.to_json() for window in self.windows],
            "events": {"published": self.published, "counted": self.counted},
        }


def show(demo: Demo, running: stack.Stack, console: Console, cleanup: contextlib.ExitStack) -> DemoResult:
    """Provision the demo's note and show its windows; `cleanup` is told how to stop the stream."""
    events = _SOURCES[demo.platform](running, cleanup)
    account = events.account(NOTE)
    with ZeppelinClient(running.url) as client:
        bundle, _ = runnable_bundle(client, usual_bundles(demo.pairs, named=demo.bundle), running, console)
        out = _out(bundle)
        spec = fit_embedded(_asked(demo, bundle, account.place), running.runtime, console)
        rendered = render_for(client, spec, account.client())
        note_id = write_note(client, rendered, console, Applying(Decision(OURS), Records(client.url))).note_id
        cleanup.callback(_stop_stream, running.url, note_id, console)
        run = NoteRun(client, note_id, console)
        with _source(client, note_id, rendered, out) as source:
            _run(run)
            with _publishing(events.account(PUBLISHER), spec, demo.every) as publisher:
                windows = _show_windows(source, demo.windows, console)
                publisher.finish()
            counted = _counted(run.page, publisher.published, spec.values.get("batch") or spec.values["slide"])
        url, published = client.note_url(note_id), publisher.published
        options = tuple(events.publisher_options())
        return DemoResult(running.url, url, note_id, tuple(windows), published, counted, rendered.rows, options)


def check(demo: Demo) -> None:
    """Raise `UsageError` for what of the demo can be known to be wrong before anything is started."""
    events = _SOURCES[demo.platform]
    spec = _asked(demo, usual_bundles(demo.pairs, named=demo.bundle)[0], events.place)
    jars = {"mqtt_jars": ["/the/stack's.jar"]} if "mqtt_jars" in spec.values else {}
    check_spec(replace(spec, values={**spec.values, **jars}))
    events.check_installed()


class _Source:
    """Where a demo's events come from; `place` is what is known before it is started."""

    place: ClassVar[Place]

    def __init__(self, running: stack.Stack, cleanup: contextlib.ExitStack) -> None:
        """Start it; `cleanup` is told how to stop it."""

    @staticmethod
    def check_installed() -> None:
        """Raise `UsageError` for a program that it needs and that this machine has not."""

    @abstractmethod
    def account(self, who: str) -> PlatformAccount:
        """The note's account, or the publisher's."""

    @abstractmethod
    def publisher_options(self) -> list[str]:
        """What `provision publish` is called with."""


class _Netpie2015(_Source):
    """The stack's own application, with a thing for the note and one for the publisher."""

    place = Place(DEFAULT_PLATFORM, "NETPIE", {"appid": APPID}, below=True)

    def __init__(self, running: stack.Stack, _cleanup: contextlib.ExitStack) -> None:
        self._running = running

    def account(self, who: str) -> PlatformAccount:
        things = private_dir(stack.emulator_dir() / who)
        return ApplicationOptions(Given(folder=things)).of_embedded(self._running.netpie.auth).account()

    def publisher_options(self) -> list[str]:
        folder = str(stack.emulator_dir() / PUBLISHER)
        return [
            "--credentials-file", str(application_file()), "--cache-dir", folder, "--auth", self._running.netpie.auth,
        ]  # fmt: skip


class _Netpie2020(_Source):
    """An emulated NETPIE 2020, with a device for the note and one for the publisher."""

    place = Place("netpie2020", "NETPIE", {"appid": "device", "broker_login": "password"})

    def __init__(self, running: stack.Stack, cleanup: contextlib.ExitStack) -> None:
        self._emulated = netpie2020.start(running)
        cleanup.callback(self._emulated.stop)

    def account(self, who: str) -> PlatformAccount:
        given = Given(self._emulated.fields[who == PUBLISHER], folder=self._folder(who), env={})
        return named_platform("netpie2020").account(given)

    def publisher_options(self) -> list[str]:
        file = self._emulated.file(netpie2020.PUBLISHER)
        return ["--credentials-file", str(file), "--cache-dir", str(self._folder(PUBLISHER))]

    def _folder(self, who: str) -> Path:
        return private_dir(stack.emulator_dir() / f"{who}-2020")


class _Mqtt(_Source):
    """A Mosquitto with TLS, an authority of its own, a user and a password."""

    place = Place(
        "mqtt",
        "MQTT",
        {"appid": "broker", "broker_login": "password", "broker_tls": "own"},
        site={"platform": "mqtt", "broker": "ssl://127.0.0.1:8883", "has": "user ca"},
    )
    check_installed = staticmethod(mosquitto.check_installed)

    def __init__(self, running: stack.Stack, cleanup: contextlib.ExitStack) -> None:
        self._broker = mosquitto.start(running)
        cleanup.callback(self._broker.stop)

    def account(self, who: str) -> PlatformAccount:
        given = Given(credentials_file=self._broker.credentials, folder=self._folder(who), env={})
        return named_platform("mqtt").account(given)

    def publisher_options(self) -> list[str]:
        return ["--credentials-file", str(self._broker.credentials), "--cache-dir", str(self._folder(PUBLISHER))]

    def _folder(self, who: str) -> Path:
        return private_dir(stack.emulator_dir() / f"{who}-mqtt")


_SOURCES: Mapping[str, type[_Source]] = {"netpie2015": _Netpie2015, "netpie2020": _Netpie2020, "mqtt": _Mqtt}
PLATFORMS = tuple(_SOURCES)
"""The platforms that a demo can show."""


def _stop_stream(url: str, note_id: str, console: Console) -> None:
    with ZeppelinClient(url) as client:
        stop_note(client, client.get_note(note_id), console)


def _asked(demo: Demo, bundle: str, place: Place) -> NoteSpec:
    return note_spec(load_bundle(bundle), [f"topic={TOPIC}", f"out={_out(bundle)}", *demo.pairs], place)


def _out(bundle: str) -> Path:
    return data_dir() / "demo" / bundle


def _run(run: NoteRun) -> None:
    run.start()
    with run.console.step("waiting for the receiver"):
        run.wait_until_receiving()


# --- the publisher ---


class _Publishing:
    """This host's metrics, published from a thread of its own."""

    def __init__(self, publisher: Publisher, every: float) -> None:
        self.stop = threading.Event()
        self._publisher = publisher
        events = host_metrics(socket.gethostname(), every=every, stop=self.stop)
        self._thread = threading.Thread(
            target=publish_all, args=(publisher, events), kwargs={"stop": self.stop}, name="publisher", daemon=True
        )
        self._thread.start()

    @property
    def published(self) -> int:
        return self._publisher.published

    def finish(self) -> None:
        """Stop publishing and flush what is queued."""
        self.stop.set()
        self._thread.join(10)
        self._publisher.flush(10)


@contextlib.contextmanager
def _publishing(account: PlatformAccount, spec: NoteSpec, every: float) -> Iterator[_Publishing]:
    sender = account.sender(spec.values["topic"])
    with Publisher(sender.login, sender.topic, renew=sender.renew, link=sender.link) as publisher:
        publishing = _Publishing(publisher, every)
        try:
            yield publishing
        finally:
            publishing.finish()


def keep_publishing(running: stack.Stack, options: Sequence[str]) -> None:
    """Keep publishing from a background process, which `provision down` stops with the stack."""
    command = [sys.executable, "-m", "provision", "publish", *options, "--topic", TOPIC]
    processes.start(command, os.environ, log=running.logs / "publisher.log", stack=running.mark)


# --- the windows ---


@contextlib.contextmanager
def _source(client: ZeppelinClient, note_id: str, rendered: RenderedNote, out: Path) -> Iterator[WindowSource]:
    """The note's files where it writes some for each window; else its printed windows."""
    roles = by_role(client.get_note(note_id))
    asked = Asked(client, note_id, roles[Role.LATEST].id) if Role.LATEST in roles else None
    if rendered.rows.endswith(f"{FOLDER_PREFIX}*"):
        yield Files(out, header=rendered.values.get("csv_header") == "yes", named=asked)
    elif asked:
        yield asked
    else:
        with client.follow(note_id) as follower:
            yield Overheard(follower, roles[Role.START].id)


def _show_windows(source: WindowSource, number: int, console: Console) -> list[Window]:
    """Show the next `number` windows with rows. Raises `ProvisionError` when none arrives in time."""
    shown: list[Window] = []
    while len(shown) < number:
        with console.step(f"waiting for window {len(shown) + 1} of {number}"):
            window = _next_window(source, len(shown))
        shown.append(window)
        console.say(f"window until {time.strftime('%H:%M:%S', time.localtime(window.end / 1000))}")
        if not console.as_json:
            console.out.print(as_table(rounded(window)))
    return shown


def _next_window(source: WindowSource, seen: int) -> Window:
    def unseen() -> Window | None:
        windows = source.windows()
        return windows[seen] if len(windows) > seen else None

    before = source.empty
    window = wait_until(unseen, WINDOW_TIMEOUT, every=0.3)
    if window is None:
        empty, limit = source.empty - before, f"{WINDOW_TIMEOUT:.0f} s"
        raise ProvisionError(
            f"no event came for {limit}: the windows were empty ({empty})" if empty else f"no window came for {limit}",
            next_step="see the logs that `provision status` names",
        )
    return window


def _counted(page: str, published: int, batch: int) -> int:
    """The number of events that Spark counted: waits until it has all of them, two batches and a minute at most."""
    counted = 0

    def has_all() -> bool:
        nonlocal counted
        state = SparkPage(page).stream()
        counted = state.events if state else counted
        return counted >= published

    if page:
        wait_until(has_all, 2 * batch + 60, every=0.3)
    return counted


def picture(shown: DemoResult) -> Chart | None:
    """The windows as a chart; None where there are no two that have numbers in them."""
    history = History()
    history.add(shown.windows)
    if len(history.alike()) < 2 or not history.measures():
        return None
    return chart_of("", history)


def closing_lines(shown: DemoResult, running: stack.Stack, *, keep: bool, page: str = "") -> list[str]:
    """The demo's last lines: files, addresses, counts; that of the note's `page`, if it has one, is the last."""
    lines = [f"file     {file}" for window in shown.windows for file in window.files]
    lines += [f"rows     {shown.rows}"] if shown.rows and not lines else []
    is_shown = running.web_page or page
    note = shown.note if is_shown else f"{shown.note} (this Zeppelin has no web page: give --zeppelin-version {NEWEST})"
    counted = f"{shown.counted} counted by Spark" if shown.counted else "Spark's page was out of reach to count them"
    lines += [f"note     {note}", f"events   {shown.published} published, {counted}"]
    if keep:
        lines.append("all of it is still up: `provision status` shows it, `provision down` stops it")
    if page:
        lines.append(f"page     {page}")
    return lines
