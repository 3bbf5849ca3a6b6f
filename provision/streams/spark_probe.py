"""Asks a server's Spark for its versions and its page, by a temporary note."""

import re
from dataclasses import dataclass

from provision.errors import ProvisionError
from provision.streams.interpreter import restart_for, spark_setting
from provision.streams.run_paragraph import process_is_gone, run_in_turn
from provision.sync.remove import delete_quietly
from zeppelin_sdk import ParagraphError, ZeppelinClient

_PROBE = "/.provision/probe"


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
    left = client.find_note(_PROBE)
    if left:
        delete_quietly(client, left.id)
    note_id = client.import_note({"paragraphs": [{"text": f'%spark\nprintln({question}.mkString(" "))'}]}, _PROBE)
    paragraph_id = client.get_note(note_id).paragraphs[0].id
    try:
        output = _output(client, note_id, paragraph_id)
    finally:
        delete_quietly(client, note_id)
    match = re.search(r"^probe (\S+) (\d+\.\d+)\S* (\S+)$", output, re.MULTILINE)
    if not match:
        raise ProvisionError(f"{client.url}: Spark gave no version", next_step="run `sc.version` in a note there")
    return Probe(match[1], match[2], "" if match[3] == "-" else match[3])


def _output(client: ZeppelinClient, note_id: str, paragraph_id: str) -> str:
    """What the paragraph prints. Restarts a Spark whose process has died: nothing is lost by that."""
    try:
        return run_in_turn(client, note_id, paragraph_id).output
    except ParagraphError as error:
        if not process_is_gone(error):
            raise
    restart_for(client, spark_setting(client), note_id)
    return run_in_turn(client, note_id, paragraph_id).output
