"""Optional lines of a template, such as those of the paragraph that connects."""

from pathlib import Path
from typing import Any

import pytest

from provision.bundles.engine import ECHOES_NOTHING
from provision.bundles.literals.stored import entities_in, reading
from provision.bundles.literals.values import Secret
from provision.bundles.placeholders import filled_pieces

from ..rendering import code, rendered

HEAD = """\
@transient val lineStream = NetpieMqtt.{create}(ssc,
                 brokerUrl="{broker}",
                 topics=Seq("/MyApp/metrics"),
"""
THING = """\
                 clientId={user},
                 login=NetpieMqtt.signed("AppKey123", {password}),
"""
NO_LOGIN = """\
                 clientId="zeppelin-e423b74d",
                 receivers=1,
                 sharing="shared",
"""
TAIL = """\
                 caFile="",
                 qos=0,
                 cleanSession=true,
                 journal="",
                 slide=Seconds(10),
                 storageLevel=if (sc.isLocal) StorageLevel.MEMORY_AND_DISK_SER else StorageLevel.MEMORY_AND_DISK_SER_2)\
"""


@pytest.mark.parametrize(("topic_column", "create"), [("no", "createStream"), ("yes", "createTopicStream")])
@pytest.mark.parametrize(
    ("login", "broker", "connect"), [("netpie", "", THING), ("none", "tcp://127.0.0.1:1884", NO_LOGIN)]
)
def test_the_stream_s_paragraph_is_what_it_was_as_four_files(
    topic_column: str, create: str, login: str, broker: str, connect: str
) -> None:
    note = rendered("streaming", topic_column=topic_column, broker_login=login, broker=broker)
    head = HEAD.format(create=create, broker=broker or "tcp://broker.example:1883")
    stored = {part: reading(Secret("netpie-AppKey123-311e1fd9", part, "")) for part in ("user", "password")}
    assert code(note, "stream") == f"{head}{connect.format(**stored)}{TAIL}\n{ECHOES_NOTHING}"


def test_a_note_without_a_thing_refers_to_no_secret() -> None:
    note = rendered("streaming", broker_login="none", broker="tcp://127.0.0.1:1884")
    assert note.credentials == {}
    assert not [paragraph.key for paragraph in note.paragraphs if entities_in(paragraph.text)]


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"mode": "a"}, "first\n  one\nlast"),
        ({"mode": "b"}, "first\ntwo or three\nlast"),
        ({"mode": "c"}, "first\ntwo or three\nlast"),
        ({"mode": "d"}, "first\nlast"),
    ],
)
def test_a_line_stands_where_its_condition_holds(values: dict[str, Any], text: str) -> None:
    template = "first\n{{ when mode = a }}  one\n{{when mode=b,c}}two or three\nlast"
    pieces = filled_pieces(template, Path("some.scala"), values)
    assert "".join(piece.text for piece in pieces) == text
    assert "".join(piece.place or piece.text for piece in pieces) == template


def test_a_line_that_is_left_out_needs_no_value_of_its_places() -> None:
    pieces = filled_pieces("{{ when mode = a }}{{ gone | scala }}\nlast", Path("some.scala"), {"mode": "b"})
    assert "".join(piece.text for piece in pieces) == "last"
