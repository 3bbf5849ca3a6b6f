"""What `publish --file` takes: lines, JSON documents, tables as spreadsheets write them, and standard input."""

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from threading import Event

import pytest

from provision.errors import UsageError
from provision.publisher import Tally, lines, replay

EVENTS = [{"ts": "2018-10-29T09:53:36+0700", "id": "host-0", "cpu": 10.50}, {"ts": None, "id": "ห้อง", "cpu": -3}]
TABLE = "ts;id;cpu\n2018-10-29T09:53:36+0700;host-0;10.50\n;ห้อง;-3\n"


def as_written_on_windows(text: str) -> dict[str, bytes]:
    crlf = text.replace("\n", "\r\n")
    return {
        "plain": text.encode(),
        "crlf": crlf.encode(),
        "bom": crlf.encode("utf-8-sig"),
        "old-mac": text.replace("\n", "\r").encode(),
        "utf-16-le": b"\xff\xfe" + crlf.encode("utf-16-le"),
        "utf-16-be": b"\xfe\xff" + crlf.encode("utf-16-be"),
    }


def sent(tmp_path: Path, name: str, content: bytes, form: str = "auto") -> tuple[list[bytes], Tally]:
    (tmp_path / name).write_bytes(content)
    tally = Tally()
    batches = replay(tmp_path / name, stop=Event(), form=form, tally=tally)
    return [event for batch in batches for event in batch], tally


@pytest.mark.parametrize("how", as_written_on_windows(""))
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("e.jsonl", "".join(json.dumps(event, ensure_ascii=False) + "\n" for event in EVENTS)),
        ("e.json", json.dumps(EVENTS)),
        ("e.json", json.dumps(EVENTS, indent=2, ensure_ascii=False)),
        ("e", json.dumps(EVENTS, indent=2)),
        ("e.json", "\n".join(json.dumps(event, indent=2) for event in EVENTS)),
        ("e.csv", TABLE),
        ("e.csv", TABLE.replace(";", ",")),
        ("e.CSV", "sep=;\n" + TABLE),
        ("e.csv", TABLE.replace("\n", ";;\n")),
        ("e.tsv", TABLE.replace(";", "\t")),
        ("unicode-text.txt", TABLE.replace(";", "\t")),
        ("e", TABLE.replace(";", " ; ")),
        ("e.csv", TABLE.replace("10.50", "10,50")),
        ("e.csv", TABLE.replace("host-0", '"host-0"')),
    ],
)
def test_events_are_the_same_in_every_form_and_encoding(tmp_path: Path, name: str, text: str, how: str) -> None:
    events, tally = sent(tmp_path, name, as_written_on_windows(text)[how])
    assert [json.loads(event) for event in events] == EVENTS
    assert all(b"\n" not in event for event in events)
    assert tally.warnings() == []


def test_numbers_stay_as_they_are_written(tmp_path: Path) -> None:
    numbers = '{"a":1.50,"b":12345678901234567890,"c":1e400,"d":"x  y"}'
    assert sent(tmp_path, "e.json", f"[\n {numbers.replace(',', ', ')}\n]".encode())[0] == [numbers.encode()]
    events, _ = sent(tmp_path, "e.csv", b"a,b,c,d,e\n1.50,007,1e3,-0.5,1_000\n")
    assert events == [b'{"a": 1.50, "b": "007", "c": 1e3, "d": -0.5, "e": "1_000"}']


def test_a_comma_is_a_decimal_point_only_where_it_separates_no_cells(tmp_path: Path) -> None:
    assert sent(tmp_path, "e.csv", b'a,b\n"10,5",x\n')[0] == [b'{"a": "10,5", "b": "x"}']
    assert sent(tmp_path, "e.csv", b"a;b\n10,5;1.234,5\n")[0] == [b'{"a": 10.5, "b": "1.234,5"}']


def test_a_quoted_cell_may_go_over_lines(tmp_path: Path) -> None:
    events, _ = sent(tmp_path, "e.csv", b'a,b\n"one\ntwo, ""three""",1\n\n,\n')
    assert [json.loads(event) for event in events] == [{"a": 'one\ntwo, "three"', "b": 1}]


@pytest.mark.parametrize(
    "text",
    [
        "one\ntwo\n",
        "event 1\nevent 2\n",
        "1,2,3\n4,5,6\n",
        "hello, world\nhello\n",
        "a,a\n1,2\n",
        '{a: 1}\n{"a": 1}\n',
        "[1]\n[2]\n",
    ],
)
def test_other_lines_are_sent_as_they_stand_and_counted(tmp_path: Path, text: str) -> None:
    events, tally = sent(tmp_path, "e.txt", text.encode())
    assert events == text.encode().splitlines()
    (warning,) = tally.warnings()
    assert "no JSON objects, the first at line 1; they are sent as they stand" in warning


@pytest.mark.parametrize(
    ("name", "text"),
    [("e.csv", "a,b\n1,2\n"), ("e.json", '[{"a": 1},\n {"a": 2}]'), ("e.json", '[{"a": 1}, {"b": 2}]')],
)
def test_the_form_that_is_asked_for_wins_over_the_guess(tmp_path: Path, name: str, text: str) -> None:
    assert sent(tmp_path, name, text.encode(), form="lines")[0] == text.encode().splitlines()


def test_a_form_is_told_for_a_file_that_does_not_look_it(tmp_path: Path) -> None:
    assert sent(tmp_path, "e.txt", b"a\n1\n", form="csv")[0] == [b'{"a": 1}']
    assert sent(tmp_path, "e.txt", b"[1, 2]\n[3]\n", form="json")[0] == [b"1", b"2", b"3"]


def test_lines_that_are_no_objects_are_counted_with_the_first_one_s_number(tmp_path: Path) -> None:
    good = b'{"a": 1}\n'
    _, tally = sent(tmp_path, "e.jsonl", good * 3 + b"\n" + b"oops\n" + good + b'{"a": \n"text"\n\xff\n')
    assert tally.warnings() == ["4 of 8 events are no JSON objects, the first at line 5; they are sent as they stand"]


def test_rows_that_can_not_be_read_are_left_out_and_counted(tmp_path: Path) -> None:
    events, tally = sent(tmp_path, "e.csv", b"a,b\n1,2\n3,4,5\n6\n\xe9,1\n7,8,\n9,9,9\n")
    assert [json.loads(event) for event in events] == [{"a": 1, "b": 2}, {"a": 6, "b": None}, {"a": 7, "b": 8}]
    assert sorted(tally.warnings()) == [
        "1 left out, the first at line 5: no text in UTF-8",
        "2 left out, the first at line 3: more cells than the 2 columns",
    ]


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("e.json", b'[{"a": 1},\n {"a": 2}', "line 2 is no JSON"),
        ("e.json", b'[{"a": 1},\n {"a" 2}]', "line 2 is no JSON"),
        ("e", b'[{"a": 1}\n {"a": 2}]', "line 2 is no JSON"),
        ("e.json", b'{"a": 1,\n', "is no JSON"),
        ("e.json", b"[]", "has no events"),
        ("e.csv", b"12.5,host\n13.5,host\n", "does not name the columns: '12.5'"),
        ("e.csv", b"a,,b\n1,2,3\n", "does not name the columns: ''"),
        ("e.csv", b"a,b,a\n1,2,3\n", "does not name the columns: 'a'"),
        ("e.csv", b"a,b\n", "has no events"),
        ("e.csv", b"a,b\n1,2,3\n", "has no events; 1 left out, the first at line 2: more cells than the 2 columns"),
        ("e.jsonl", '{"a": 1}\n'.encode("utf-16-le"), "UTF-16 without a byte order mark"),
        ("e.xlsx", b"PK\x03\x04\x14\x00\x06\x00", "a spreadsheet's own file"),
        ("e.csv", b"PK\x03\x04abc", "a spreadsheet's own file"),
        ("e.csv", "a,b\n1,2\n".encode("utf-16-be"), "UTF-16 without a byte order mark"),
        ("e.gz", b"\x1f\x8b\x08\x00\x00", "it is not text"),
        ("e.csv", b"caf\xe9,b\n1,2\n", "no text in UTF-8"),
    ],
)
def test_what_can_not_be_understood_is_refused_before_anything_is_sent(
    tmp_path: Path, name: str, content: bytes, why: str
) -> None:
    with pytest.raises(UsageError, match=why):
        sent(tmp_path, name, content)


def test_a_line_that_no_packet_can_hold_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MOST_BYTES", 100_000)
    events, tally = sent(tmp_path, "e.txt", b"small\n" + b"x" * 300_000 + b"\nsmall2\n" + b"x" * 100_001)
    assert events == [b"small", b"small2"]
    assert tally.warnings()[0] == "2 left out, the first at line 2: longer than the 100,000 bytes that MQTT takes"


def test_a_table_can_start_over(tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text("a\n1\n2\n")
    batches = replay(tmp_path / "e.csv", loop=True, rate=1e6, stop=Event())
    assert list(islice((event for batch in batches for event in batch), 5)) == [
        b'{"a": %d}' % n for n in (1, 2, 1, 2, 1)
    ]


@pytest.fixture
def standard_input(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[bytes | None], None]]:
    """Writes to a pipe that is standard input; None ends it."""
    saved, (reading, writing) = os.dup(0), os.pipe()
    os.dup2(reading, 0)
    os.close(reading)
    is_open = [True]

    def write(data: bytes | None) -> None:
        if data is not None:
            os.write(writing, data)
        elif is_open.pop():
            os.close(writing)

    yield write
    if is_open:
        os.close(writing)
    os.dup2(saved, 0)
    os.close(saved)


@pytest.mark.parametrize(
    ("first", "event"), [(b'{"a": 1}\n', b'{"a": 1}'), (b"words\n", b"words"), (b"a,b\n1,2\n", b'{"a": 1, "b": 2}')]
)
def test_a_line_of_standard_input_is_sent_when_it_comes(standard_input, first: bytes, event: bytes) -> None:
    batches = replay(Path("-"), stop=Event())
    standard_input(first)
    assert next(batches) == [event]
    standard_input(first.splitlines(keepends=True)[-1])
    assert next(batches) == [event]
    standard_input(None)
    assert list(batches) == []


def test_a_document_on_standard_input_is_read_to_its_end(standard_input) -> None:
    standard_input(json.dumps(EVENTS, indent=1).encode())
    standard_input(None)
    batches = replay(Path("-"), stop=Event())
    assert [json.loads(event) for batch in batches for event in batch] == EVENTS


def test_standard_input_without_an_event_is_refused(standard_input) -> None:
    standard_input(b"\n\n")
    standard_input(None)
    with pytest.raises(UsageError, match="standard input has no events"):
        next(replay(Path("-"), stop=Event()))


def test_waiting_for_standard_input_ends_when_it_is_stopped(standard_input) -> None:
    stop = Event()
    done: list[list[list[bytes]]] = []
    thread = threading.Thread(target=lambda: done.append(list(replay(Path("-"), stop=stop))))
    thread.start()
    time.sleep(0.1)
    stop.set()
    thread.join(30)
    assert done == [[]]
