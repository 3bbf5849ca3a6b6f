"""Asks a server's Spark for its versions and its page, and which Python has one, by a temporary note."""

import re
from dataclasses import dataclass

from provision.errors import ProvisionError, UsageError
from provision.streams.interpreter import PYTHON, SPARK, end_own_processes, restart_for, setting_of
from provision.streams.run_paragraph import HeldError, process_is_gone, run_in_turn
from provision.sync.remove import delete_quietly
from zeppelin_sdk import InterpreterError, ParagraphError, ZeppelinClient

_PROBE = "/.provision/probe"
IN_PYTHON = {"spark.pyspark": SPARK, "python": PYTHON}
"""The interpreters that may have a Spark in Python, the better first, and the group of each."""
OLDEST = (3, 3)
"""The first Spark that pyspark-mqtt takes."""


_NEXT = (
    "take --bundle streaming; or name a Python that has pyspark and pyarrow in the setting of its interpreter spark "
    "(PYSPARK_PYTHON and PYSPARK_DRIVER_PYTHON) or python (zeppelin.python)"
)


@dataclass(frozen=True)
class Probe:
    """What a running Spark says of itself: versions such as "3.1.3" and "2.12", the driver's page."""

    spark: str
    scala: str
    page: str


def probe_spark(client: ZeppelinClient) -> Probe:
    """Ask Spark, starting it if necessary. Raises `HeldError` where another note's stream holds it."""
    scala_version = "_root_.scala.util.Properties.versionNumberString"  # a note may import another `util`
    question = f'Seq("probe", sc.version, {scala_version}, sc.uiWebUrl.getOrElse("-"))'
    output = _told(client, f'%spark\nprintln({question}.mkString(" "))', SPARK)
    match = re.search(r"^probe (\S+) (\d+\.\d+)\S* (\S+)$", output, re.MULTILINE)
    if not match:
        raise ProvisionError(f"{client.url}: Spark gave no version", next_step="run `sc.version` in a note there")
    return Probe(match[1], match[2], "" if match[3] == "-" else match[3])


def python_with_spark(client: ZeppelinClient) -> str:
    """The first of `IN_PYTHON` whose Python has pyarrow and a Spark that is new enough; starts it if necessary.

    Raises `UsageError` where none has, and `HeldError` as `probe_spark` where one may have.
    """
    wrong: list[str] = []
    held: HeldError | None = None
    for interpreter, group in IN_PYTHON.items():
        try:
            told = _told(client, f'%{interpreter}\nimport pyarrow, pyspark\nprint("probe", pyspark.__version__)', group)
        except HeldError as error:
            held = error
            continue
        except (ParagraphError, InterpreterError) as error:
            wrong.append(f"%{interpreter}: {error.message}")
            continue
        found = re.search(r"^probe (\d+)\.(\d+)\S*$", told, re.MULTILINE)
        if found and (int(found[1]), int(found[2])) >= OLDEST:
            return interpreter
        wrong.append(f"%{interpreter} has Spark {found[0].removeprefix('probe ') if found else 'of no version'}")
    if held:
        raise held
    raise UsageError(
        f"{client.url}: no Python has pyarrow and a Spark from {'.'.join(map(str, OLDEST))} ({'; '.join(wrong)})",
        next_step=_NEXT,
    )


def _told(client: ZeppelinClient, text: str, group: str) -> str:
    """What a paragraph of this text prints in an interpreter of this group."""
    left = client.find_note(_PROBE)
    if left:
        delete_quietly(client, left.id)
    note = client.get_note(client.import_note({"paragraphs": [{"text": text}]}, _PROBE))
    try:
        return _output(client, note.id, note.paragraphs[0].id, group)
    finally:
        end_own_processes(client, note)
        delete_quietly(client, note.id)


def _output(client: ZeppelinClient, note_id: str, paragraph_id: str, group: str) -> str:
    """What the paragraph prints. Restarts a Spark whose process has died: nothing is lost by that."""
    try:
        return run_in_turn(client, note_id, paragraph_id).output
    except ParagraphError as error:
        if not process_is_gone(error):
            raise
    restart_for(client, setting_of(client, group), note_id)
    return run_in_turn(client, note_id, paragraph_id).output
