"""Runs a provisioned note: paragraph by paragraph, the interpreter restarted when its dependencies need it."""

import re
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from provision.bundles.roles import Role
from provision.console import Console
from provision.errors import ProvisionError, RefusedError, UnreachableError
from provision.streams.idle_end import warn_of_idle_end
from provision.streams.interpreter import SPARK, is_shared, restart_spark, setting_of, spark_setting, stream_group
from provision.streams.last_run import ran_query, started
from provision.streams.note_state import stream_state
from provision.streams.run_paragraph import PARAGRAPH_TIMEOUT, HeldError, is_run, is_text, process_is_gone, run_in_turn
from provision.streams.spark_page import SparkPage, StreamState
from provision.streams.spark_probe import probe_spark
from provision.streams.stop_note import cancel_active, stop_note
from provision.sync.guarded_write import refresh_pages
from provision.sync.provenance import by_role, provenance
from provision.sync.seen_secrets import without_seen
from provision.waiting import wait_until
from zeppelin_sdk import (
    Note,
    Paragraph,
    ParagraphError,
    ParagraphStatus,
    PermissionDeniedError,
    ZeppelinClient,
)

CONNECT_GRACE = 15.0  # seconds for a receiver to connect before its last error counts
CONNECT_PAUSE = 1.0  # seconds from a receiver's start to its subscription
FIRST_BATCH_MOST = 30.0  # seconds to wait for a batch to end
_LAUNCH = "Fail to launch interpreter process"  # RemoteInterpreterManagedProcess, ExecRemoteInterpreterProcess
_PAGE = re.compile(r"https?://[^\s]+")
# the words of this project's connector, and the reason codes at the end of Paho's own exceptions, which Bahir reports
_REFUSED = re.compile(r"CONNACK [45]\b|\([45]\)$")
# ConfInterpreter from 0.9 on ("Can not change interpreter properties when interpreter process has already been
# launched"), DepInterpreter up to 0.8 ("Must be used before SparkInterpreter (%spark) initialized"), the Python note
_NEEDS_RESTART = re.compile(
    r"can ?not change interpreter|already been launched|must be used before|Spark runs with other settings",
    re.IGNORECASE,
)
# SparkContext.assertNotStopped, LiveListenerBus.addToQueue, the Python note's words for a Java that is gone: the
# interpreter lives on with a context that does not
_SPARK_ENDED = re.compile(
    r"stopped SparkContext|LiveListenerBus is stopped|SparkContext was shut ?down|Spark has ended", re.IGNORECASE
)


class FailingError(ProvisionError):
    """The stream runs, and its newest batch failed; it is not stopped."""

    def __init__(self, state: StreamState) -> None:
        super().__init__(
            f"the stream runs, and its newest batch failed: {state.failure}",
            next_step="correct the paragraph that it comes from, often Columns or Query, then `provision run` the note",
        )


@dataclass
class NoteRun:
    """One run of a note. `page` is the driver's page once it is known; `texts` run beside the stream's start."""

    client: ZeppelinClient
    note_id: str
    console: Console
    page: str = ""
    texts: list[Paragraph] = field(default_factory=list)

    def start(self) -> None:
        """Run the note's paragraphs in order, up to the one that blocks as long as the stream runs, if any does.

        Restarts the interpreter first when the blocking paragraph has run before: its stream would keep all others from
        running. Restarts it, once, and starts over when another note's blocking paragraph holds Spark, or when Spark
        has ended, as after its cluster went away or its process was killed.

        Raises `ParagraphError` of the first paragraph that fails, `HeldError` when the other note has started again.
        """
        note = self.client.get_note(self.note_id)
        if any(provenance(p).blocks and p.status is not ParagraphStatus.READY for p in note.paragraphs):
            self._restart("  this note has run before, and can't run again beside its stream")
        try:
            self._start(note)
        except HeldError as held:
            cancel_active(self.client, held.note)
            self._restart(f"  {held.note.path} streams in the same Spark, and lets no other paragraph run")
            self._start(note)
        except ParagraphError as error:
            if not _spark_has_ended(error):
                raise
            self._restart("  Spark has ended")
            self._start(note)

    def _start(self, note: Note) -> None:
        run = [paragraph for paragraph in note.paragraphs if is_run(paragraph)]
        blocks = any(provenance(paragraph).blocks for paragraph in run)
        self.texts = [] if blocks else [paragraph for paragraph in run if is_text(paragraph)]
        for paragraph in run:
            if paragraph in self.texts:
                continue
            mark = provenance(paragraph)
            if mark.blocks:
                self._find_page()
                self._note_start(note, paragraph)
                self._start_blocking(paragraph)
                return
            if mark.role == Role.DEPENDENCIES:
                self._dependencies(paragraph)
                continue
            done = self._run_or_draw(paragraph)
            if mark.role == Role.START and (match := _PAGE.search(done.output)):
                self.page = match.group()
                self._note_start(note, paragraph, done.date_finished)
                refresh_pages(self.client, self.note_id, paragraph.id)
        for paragraph in self.texts:  # their interpreter may have to start first, for which the stream does not wait
            self.client.submit_paragraph(self.note_id, paragraph.id)

    def _wait_for_texts(self) -> None:
        for paragraph in self.texts:
            try:
                self.client.wait_paragraph(self.note_id, paragraph.id, timeout=PARAGRAPH_TIMEOUT)
            except ParagraphError as error:
                self.console.say(f"  {_name(paragraph)}: {error.message}; the stream runs all the same")
        self.texts = []

    def _run_or_draw(self, paragraph: Paragraph) -> Paragraph:
        """Run a paragraph; a chart may fail: the stream runs without it, whatever a person has made of it."""
        try:
            return self._run(paragraph)
        except ParagraphError as error:
            if provenance(paragraph).role != Role.CHART or _spark_has_ended(error):
                raise
            self.console.say(f"  {_name(paragraph)}: {error.message}; the stream runs all the same")
            return paragraph

    def beside(self, paragraphs: Iterable[Paragraph]) -> None:
        """Run some paragraphs beside the stream that runs, and keep with its start that it uses them."""
        ran = [self._run_or_draw(paragraph) for paragraph in paragraphs]
        noted = ran_query(self.client.get_note(self.note_id), ran)
        if noted is not None:
            start, config = noted
            self.client.update_paragraph_config(self.note_id, start.id, config)
            refresh_pages(self.client, self.note_id, start.id)

    def _note_start(self, note: Note, paragraph: Paragraph, finished: str = "") -> None:
        """Keep with the paragraph that starts the stream where it runs, and what it was started with."""
        self.client.update_paragraph_config(self.note_id, paragraph.id, started(self.client, note, self.page, finished))

    def _run(self, paragraph: Paragraph) -> Paragraph:
        with self.console.step(f"  {_name(paragraph)}"):
            try:
                return run_in_turn(self.client, self.note_id, paragraph.id)
            except ParagraphError as error:
                if _LAUNCH not in error.output:
                    raise
                raise ProvisionError(
                    "Zeppelin could not start Spark: the server's log has the reason",
                    next_step="often a package that it can't fetch: name jar files with --param mqtt_jars=…",
                ) from error

    def _dependencies(self, paragraph: Paragraph) -> None:
        """Zeppelin takes dependencies only before its Spark starts; one that runs with others is restarted."""
        try:
            self._run(paragraph)
        except ParagraphError as error:
            if not _needs_restart(error):
                raise
            self._drain()
            self._restart("  Spark runs with other dependencies")
            self._run(paragraph)

    def _drain(self) -> None:
        """Stop the note's own stream by its stop paragraph: what it has received would end with its Spark."""
        note = self.client.get_note(self.note_id)
        stop = by_role(note).get(Role.STOP)
        state = stream_state(note) if stop else None
        if stop and state and state.receivers:
            try:
                self._run(stop)
            except ParagraphError as error:
                self.console.say(f"  its stream did not stop by itself: {error.message}")

    def _restart(self, reason: str) -> None:
        restart_spark(self.client, self.note_id, reason, self.console)

    def _find_page(self) -> None:
        """The driver's page, before a paragraph occupies Spark's interpreter for good; a probe asks the shared one."""
        note = self.client.get_note(self.note_id)
        if stream_group(note) == SPARK and is_shared(spark_setting(self.client)):
            try:
                self.page = probe_spark(self.client).page
            except ParagraphError as error:
                self.console.say(f"  Spark's page is unknown: {error.message}")

    def _start_blocking(self, paragraph: Paragraph) -> None:
        with self.console.step(f"  {_name(paragraph)}"):
            run_in_turn(self.client, self.note_id, paragraph.id, until=(ParagraphStatus.RUNNING,))

    def wait_until_live(self, timeout: float = 60.0) -> StreamState | None:
        """Wait until a receiver runs and events arrive, or a batch has passed without an error.

        Returns the stream's state, or None when Spark's page can't be reached from here. Raises `RefusedError` or
        `UnreachableError` when the broker refuses the receiver, or can't be reached by it.
        """
        if not self.page:
            return None
        page, began = SparkPage(self.page), time.monotonic()
        state: StreamState | None = None

        def is_settled() -> bool:
            nonlocal state
            state, seconds = page.stream(), time.monotonic() - began
            if state is None:
                return seconds > CONNECT_GRACE and not page.answers()
            if state.receivers and state.events:
                return True
            if state.last_error:
                self._check_error(state, seconds)
                return False
            return bool(state.receivers and state.batches)

        wait_until(is_settled, timeout, every=0.5)
        return state

    def wait_until_well(self) -> StreamState | None:
        """Wait until the stream is live, as `wait_until_live`, and has processed its first events, if there are any.

        Raises also `FailingError` when batch after batch fails. One may: the shell is asked for classes by a batch, and
        makes none for it while it compiles a paragraph.
        """
        self._wait_for_texts()
        state = self.wait_until_live()
        if state is None or not state.receivers:
            return state
        page, last = SparkPage(self.page), state
        patience = min(2 * state.batch_ms / 1000 + 1, FIRST_BATCH_MOST)

        def now() -> StreamState:
            nonlocal last
            last = page.stream() or last
            return last

        if last.events and not last.failure:
            wait_until(lambda: now().processed > 0 or bool(last.failure), patience, every=0.5)
        if last.failure:
            first = last.batches
            wait_until(lambda: not now().failure or last.batches > first, patience, every=0.5)
        if last.failure:
            raise FailingError(last)
        return last

    def wait_until_receiving(self, timeout: float = 60.0) -> None:
        """Wait until the receiver runs and has had a moment to connect; errors as `wait_until_live`."""
        page, began = SparkPage(self.page), time.monotonic()

        def is_receiving() -> bool:
            state = page.stream()
            if state is not None and state.last_error:
                self._check_error(state, time.monotonic() - began)
                return False
            return state is not None and state.receivers > 0

        if self.page:
            wait_until(is_receiving, timeout, every=0.2)
        time.sleep(CONNECT_PAUSE)

    def _check_error(self, state: StreamState, seconds: float) -> None:
        if _REFUSED.search(state.last_error):
            raise RefusedError(
                f"the broker refused the note's receiver: {state.last_error}",
                next_step="run `provision creds refresh`, then apply again",
            )
        if seconds > CONNECT_GRACE:
            raise UnreachableError(
                f"the note's receiver can't reach the broker: {state.last_error}",
                next_step="it goes on trying; check the broker's address from the Spark driver's machine",
            )


def _spark_has_ended(error: ParagraphError) -> bool:
    return process_is_gone(error) or bool(_SPARK_ENDED.search(f"{error.message}\n{error.output}"))


def _needs_restart(error: ParagraphError) -> bool:
    return bool(_NEEDS_RESTART.search(f"{error.message}\n{error.output}"))


def _name(paragraph: Paragraph) -> str:
    return paragraph.title or provenance(paragraph).key or without_seen(paragraph.text.strip().splitlines()[0])[:40]


def announce_live(run: NoteRun) -> dict[str, Any] | None:
    """Wait until the note's stream is well, say so, and return what Spark says of it.

    Says too what will end it. A stream that the broker refuses is stopped: it would ask again for ever. Raises as
    `NoteRun.wait_until_well`.
    """
    try:
        with run.console.step("waiting for the stream"):
            state = run.wait_until_well()
    except RefusedError:
        stop_note(run.client, run.client.get_note(run.note_id), run.console)
        raise
    _announce(run, state)
    _warn_of_idle_end(run)
    return state.to_json() if state else None


def _announce(run: NoteRun, state: StreamState | None) -> None:
    if state is None:
        run.console.say("the stream was started; Spark's page can't be reached from here to see it run")
    elif not state.receivers:
        run.console.say(f"the stream was started, but no receiver runs yet; Spark's page: {run.page}")
    else:
        run.console.say(f"the stream is live ({state.events} events so far); Spark's page: {run.page}")


def _warn_of_idle_end(run: NoteRun) -> None:
    """Say when the server will end the note's Spark: it does while no paragraph runs, as here none has to."""
    note = run.client.get_note(run.note_id)
    if any(provenance(paragraph).blocks for paragraph in note.paragraphs):
        return
    with suppress(PermissionDeniedError):
        warn_of_idle_end(run.client, setting_of(run.client, stream_group(note)), run.console)
