"""Paragraphs: write, run, wait for, stop."""

import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

from zeppelin_sdk._errors import ParagraphError, UnsupportedError, WaitTimeoutError
from zeppelin_sdk._models import Note, NoteResult, Paragraph, ParagraphResult, ParagraphStatus
from zeppelin_sdk._output import first_error_line
from zeppelin_sdk._transport import Transport

POLL_FIRST, POLL_MOST = 0.1, 1.0
_FAILED = (ParagraphStatus.ERROR, ParagraphStatus.ABORT)


class ParagraphsApi:
    """The calls of Zeppelin's `NotebookRestApi` that are about paragraphs and their runs.

    All of them raise NoteNotFoundError or ParagraphNotFoundError for an id that is not there.
    """

    _http: Transport

    def add_paragraph(
        self,
        note_id: str,
        *,
        text: str,
        title: str = "",
        index: int | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> str:
        """Insert a paragraph (at the end without `index`, which counts from 0) and return its id."""
        body: dict[str, Any] = {"title": title, "text": text}
        if index is not None:
            body["index"] = index
        if config:
            body["config"] = dict(config)
        return self._http.text("POST", "notebook", note_id, "paragraph", body=body)

    def get_paragraph(self, note_id: str, paragraph_id: str) -> Paragraph:
        """A paragraph with its status and results."""
        return Paragraph.from_json(self._http.mapping("GET", "notebook", note_id, "paragraph", paragraph_id))

    def update_paragraph(self, note_id: str, paragraph_id: str, *, text: str, title: str | None = None) -> None:
        """Replace the text (the server always does) and, if given, the title. The last writer wins."""
        body = {"text": text} if title is None else {"text": text, "title": title}
        self._http.call("PUT", "notebook", note_id, "paragraph", paragraph_id, body=body)

    def update_paragraph_config(self, note_id: str, paragraph_id: str, config: Mapping[str, Any]) -> Paragraph:
        """Merge these keys (at least one) into the config, and return the paragraph; other keys stay.

        The server makes every number a float.
        """
        return Paragraph.from_json(
            self._http.mapping("PUT", "notebook", note_id, "paragraph", paragraph_id, "config", body=dict(config))
        )

    def move_paragraph(self, note_id: str, paragraph_id: str, index: int) -> None:
        """Move a paragraph to `index`, which counts from 0."""
        self._http.call("POST", "notebook", note_id, "paragraph", paragraph_id, "move", str(index))

    def delete_paragraph(self, note_id: str, paragraph_id: str) -> None:
        """Delete a paragraph."""
        self._http.call("DELETE", "notebook", note_id, "paragraph", paragraph_id)

    def submit_paragraph(self, note_id: str, paragraph_id: str, *, params: Mapping[str, Any] | None = None) -> None:
        """Start a paragraph and return at once; `params` are the values of its forms."""
        # `params` is always sent: some versions fail on a body without it
        self._http.call("POST", "notebook", "job", note_id, paragraph_id, body={"params": dict(params or {})})

    def execute_paragraph(
        self,
        note_id: str,
        paragraph_id: str,
        *,
        params: Mapping[str, Any] | None = None,
        timeout: float = 300.0,
    ) -> Paragraph:
        """Run a paragraph and return it when it has FINISHED; `timeout` in seconds.

        Raises ParagraphError when it ends otherwise, WaitTimeoutError when it takes longer: it then goes on.
        The server's own synchronous call is not used: it would hold one HTTP answer open for the whole run.
        """
        self.submit_paragraph(note_id, paragraph_id, params=params)
        return self.wait_paragraph(note_id, paragraph_id, timeout=timeout)

    def wait_paragraph(
        self,
        note_id: str,
        paragraph_id: str,
        *,
        timeout: float,
        until: Collection[ParagraphStatus] = (ParagraphStatus.FINISHED,),
        on_poll: Callable[[Paragraph], None] | None = None,
    ) -> Paragraph:
        """Ask for a paragraph until its status is in `until` or FINISHED; return it as it then is.

        `on_poll` sees each answer. Raises ParagraphError at ERROR or ABORT, unless `until` names them, and
        WaitTimeoutError after `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        pause = POLL_FIRST
        while True:
            paragraph = self.get_paragraph(note_id, paragraph_id)
            if on_poll:
                on_poll(paragraph)
            if paragraph.status.is_completed:
                # The server reads results before the status that it answers with (Gson: a class's own fields, then
                # those of Job), and sets them in that order too: a run that ends in between seems to have none.
                again = self.get_paragraph(note_id, paragraph_id)
                paragraph = again if again.status is paragraph.status else paragraph
            if paragraph.status in until or paragraph.status is ParagraphStatus.FINISHED:
                return paragraph
            if paragraph.status in _FAILED:
                raise paragraph_error(paragraph)
            left = deadline - time.monotonic()
            if left <= 0:
                raise WaitTimeoutError(
                    f"{_called(paragraph)} is still {paragraph.status} after {timeout:g} s",
                    next_step="wait longer, or stop it",
                )
            time.sleep(min(pause, left))
            pause = min(pause * 1.5, POLL_MOST)

    def cancel_paragraph(self, note_id: str, paragraph_id: str) -> None:
        """Cancel a paragraph's run; what it has started elsewhere (a Spark stream) may go on."""
        self._http.call("DELETE", "notebook", "job", note_id, paragraph_id)

    def submit_note(self, note_id: str, *, params: Mapping[str, Any] | None = None) -> None:
        """Start all paragraphs, one after the other up to the first that fails; returns at once.

        `params` are values of the paragraphs' forms, by name; Zeppelin 0.9 and later (else UnsupportedError).
        Raises ServerError while the note runs already.
        """
        if params and self._http.version() < (0, 9):
            raise UnsupportedError(
                f"{self._http.address.base} runs a note without values for its forms; that came with 0.9",
                needs="0.9",
                next_step="run its paragraphs one by one",
            )
        self._http.call("POST", "notebook", "job", note_id, body={"params": dict(params or {})})

    def cancel_note(self, note_id: str) -> None:
        """Cancel every paragraph of a note that waits or runs."""
        self._http.call("DELETE", "notebook", "job", note_id)

    def query_note_result(self, note_id: str) -> NoteResult:
        """How far a note and each of its paragraphs are, and what they have printed.

        Read from the note itself: 0.12.1 fails on its own job status call once a paragraph is in ERROR.
        """
        note = Note.from_json(self._http.mapping("GET", "notebook", note_id))
        paragraphs = tuple(ParagraphResult(p.id, p.status, p.progress, p.results) for p in note.paragraphs)
        return NoteResult(note_id=note.id, is_running=note.is_running, paragraphs=paragraphs)


def paragraph_error(paragraph: Paragraph) -> ParagraphError:
    """The error of a paragraph that ended in ERROR or ABORT."""
    output = paragraph.output or paragraph.error_message
    cause = first_error_line(output)
    return ParagraphError(
        f"{_called(paragraph)} ended in {paragraph.status}" + (f": {cause}" if cause else ""),
        paragraph_id=paragraph.id,
        title=paragraph.title,
        status=paragraph.status,
        output=output,
    )


def _called(paragraph: Paragraph) -> str:
    return f"paragraph {paragraph.title!r}" if paragraph.title else f"paragraph {paragraph.id}"
