"""`provision logs`: the output of a note's paragraphs, past and live."""

import json
import sys
from dataclasses import dataclass
from typing import Any

import click

from provision.console import Console
from provision.options.output import json_option
from provision.options.server import ServerOptions, server_options
from provision.streams.latest_windows import latest_of
from provision.streams.log import LogLine, follow, title_of
from provision.streams.measures import rounded
from provision.streams.note_state import driver_of
from provision.streams.outputs import columns, cut_at, plain, readable
from provision.streams.printed_windows import headed_windows
from provision.streams.recorded import full_rows
from provision.streams.status import own_status
from provision.streams.stream_owner import later_on_its_page
from provision.streams.windows import Window
from provision.sync.find_note import find_note
from provision.sync.provenance import provenance
from zeppelin_sdk import Note, Paragraph, ParagraphStatus, ResultMessage, ZeppelinClient


@click.command()
@click.argument("note")
@click.option("-f", "--follow", "following", is_flag=True, help="Go on with what comes, until Ctrl-C.")
@server_options
@json_option
@click.pass_obj
def logs(console: Console, server: ServerOptions, note: str, following: bool) -> None:
    """Print the output of a note's paragraphs, tables as tables and HTML as text.

    NOTE is its id, its path, or the end of its path. With -f output is shown as it is printed, windows that the
    note keeps itself as they end, and a server that restarts is waited for; Ctrl-C ends it with status 0.

    Numbers in tables have five digits at most; --json has them whole.

    Zeppelin cuts a paragraph's output off (at 102,400 bytes unless it is configured otherwise) and shows nothing
    more until the paragraph is run again: where that has happened it is said, with the place of the full rows.

    A stream whose newest batch failed prints nothing: that it fails, and why, is told from Spark's page.

    With --json the answer is one object: note, failure (of the stream, or null), rows (where the full rows are, or
    null) and paragraphs, each with key, title, status, outputs (type, text) and cut. With -f and --json there is an
    object a line, as it happens: event (output, status, cut, window, stream, connection), at (seconds since the
    epoch), and what it is about.
    """
    with server.connect_running() as client:
        found = find_note(client, note)
        if following:
            _follow(console, client, found)
        else:
            failure = _failure(client, found)
            console.result(_answer(client, found, failure), None if console.as_json else _text(found, failure))


def _failure(client: ZeppelinClient, note: Note) -> str:
    """Why the newest batch of the note's stream failed; empty if it did not, or no stream of the note runs."""
    stream = own_status(client, note).stream
    return stream.failure if stream else ""


def _answer(client: ZeppelinClient, note: Note, failure: str) -> dict[str, Any]:
    return {
        "note": client.note_url(note.id),
        "failure": failure or None,
        "rows": full_rows(note).place or None,
        "paragraphs": [
            {
                "key": provenance(paragraph).key or None,
                "title": paragraph.title,
                "status": str(paragraph.status),
                "outputs": [{"type": each.type, "text": plain(each)} for each in paragraph.results],
                "cut": next(filter(None, map(cut_at, paragraph.results)), None),
            }
            for paragraph in note.paragraphs
        ],
    }


def _text(note: Note, failure: str) -> str:
    parts = [_paragraph_text(paragraph, note) for paragraph in note.paragraphs]
    parts += [f"── the stream (failing) ──\n{failure}\n"] if failure else []
    return "\n".join(filter(None, parts)).rstrip("\n") or "no paragraph has printed anything yet"


def _paragraph_text(paragraph: Paragraph, note: Note) -> str:
    results = [each for each in paragraph.results if not _repeats_windows(each, paragraph)]
    told = "".join(readable(each) if cut_at(each) is None else _cut(cut_at(each), note) for each in results)
    if paragraph.status.is_active:
        told += "(it runs: logs -f shows what it prints)\n"
    return f"{_heading(paragraph)}\n{told}" if told else ""


def _repeats_windows(message: ResultMessage, paragraph: Paragraph) -> bool:
    """Whether a table has the windows that stand as text before it, for a chart or a page to read."""
    is_table = message.type == "TABLE" and message.data.startswith("window_end\t")
    return is_table and bool(headed_windows(paragraph.output))


def _heading(paragraph: Paragraph) -> str:
    status = "" if paragraph.status is ParagraphStatus.FINISHED else f" ({paragraph.status})"
    return f"── {title_of(paragraph)}{status} ──"


def _cut(where: str | None, note: Note) -> str:
    rows = full_rows(note)
    kept = f"all rows are in {rows.place}" if rows.place else "no output of this note writes all rows into files"
    kept += f" ({rows.remark})" if rows.remark else ""
    return f"(Zeppelin cut this off at {where}: it shows nothing more until the paragraph is run again; {kept})\n"


def _follow(console: Console, client: ZeppelinClient, note: Note) -> None:
    teller = _JsonTeller(console).tell if console.as_json else _Teller(console, client, note).tell
    try:
        driver = None if later_on_its_page(client, note) else driver_of(note)
        follow(client, note.id, latest_of(client, note, console.say), teller, driver)
    except KeyboardInterrupt:
        if not console.as_json:
            console.say("")


def _table(window: Window) -> str:
    rows = rounded(window).rows
    return columns([window.columns, *rows] if window.columns else rows)


@dataclass(frozen=True)
class _JsonTeller:
    """Prints an object a line, for a program."""

    console: Console

    def tell(self, line: LogLine) -> None:
        """Print one line of the log."""
        sys.stdout.write(self.console.shown(json.dumps(line.to_json(), default=str)) + "\n")
        sys.stdout.flush()


class _Teller:
    """Prints lines for a person, with a heading whenever the paragraph changes."""

    def __init__(self, console: Console, client: ZeppelinClient, note: Note) -> None:
        self._console, self._client, self._note = console, client, note
        self._heading = ""
        self._at_line_start = True

    def tell(self, line: LogLine) -> None:
        """Print one line of the log."""
        match line.event:
            case "output":
                self._head(line)
                self._write(readable(line.message) if line.message else line.text)
            case "window" if line.window and line.window.rows:
                self._head(line)
                self._write(f"window until {line.until}\n{_table(line.window)}\n")
            case "cut":
                self._head(line)
                self._write(_cut(line.text, self._client.get_note(self._note.id)))
            case "status" if line.paragraph and line.text in (ParagraphStatus.ERROR, ParagraphStatus.ABORT):
                self._head(line)
                self._write(f"({line.text})\n")
            case "stream":
                self._end_line()
                self._console.say(f"the stream: {line.text}", style="red" if line.text.startswith("failing") else None)
            case "connection":
                self._end_line()
                self._console.say(line.text)

    def _head(self, line: LogLine) -> None:
        if line.title != self._heading:
            self._end_line()
            self._write(f"── {line.title} ──\n")
            self._heading = line.title

    def _end_line(self) -> None:
        if not self._at_line_start:
            self._write("\n")

    def _write(self, text: str) -> None:
        self._console.out.print(self._console.shown(text), end="", markup=False)
        self._at_line_start = text.endswith("\n")
