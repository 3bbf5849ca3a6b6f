"""One note as its page has it, without a browser."""

from collections.abc import Callable, Iterator

import pytest

from provision.errors import ProvisionError
from provision.live.feed import NoteFeed, Pace
from provision.waiting import wait_until
from zeppelin_sdk import ZeppelinClient

from .forwarder import Forwarder
from .stage import Stage, StagedNote

SECONDS = 30.0


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage() as running:
        yield running


@pytest.fixture
def note(stage: Stage, request: pytest.FixtureRequest) -> StagedNote:
    return stage.add(f"NETPIE/{request.node.name} csv")


@pytest.fixture
def feed(stage: Stage, note: StagedNote) -> Iterator[NoteFeed]:
    running = NoteFeed(lambda: ZeppelinClient(stage.url), note.id)
    running.start()
    wait(lambda: running.state.is_connected and running.state.status)
    yield running
    running.close()


def wait(holds: Callable[[], object]) -> None:
    assert wait_until(holds, SECONDS, every=0.05)


def test_it_has_the_note_its_stream_and_its_windows(note: StagedNote, feed: NoteFeed) -> None:
    wait(lambda: len(feed.history.latest(100)) == 12)
    assert feed.state.note
    assert feed.state.note.path == f"/{note.path}"
    assert feed.state.status
    assert feed.state.status.state == "streaming"


def test_a_window_is_asked_for_once_when_it_has_ended(stage: Stage, note: StagedNote, feed: NoteFeed) -> None:
    wait(lambda: len(feed.history.latest(100)) == 12)
    asks = f"job/{note.id}/{note.paragraph('latest')['id']}"
    end = note.next_window()
    wait(lambda: feed.history.newest and feed.history.newest.end == end)
    assert len(stage.zeppelin.asked("POST", asks)) == 1


def test_while_nobody_looks_windows_are_kept_all_the_same(note: StagedNote, feed: NoteFeed) -> None:
    wait(lambda: len(feed.history.latest(100)) == 12)
    feed.is_watched = False
    ends = [note.next_window(), note.next_window()]
    wait(lambda: [each.end for each in feed.history.latest(2)] == ends[::-1])


def test_an_edited_paragraph_of_windows_is_left_alone(stage: Stage, note: StagedNote) -> None:
    note.paragraph("latest")["text"] += "\nlaunchMissiles()"
    feed = NoteFeed(lambda: ZeppelinClient(stage.url), note.id)
    feed.start()
    wait(lambda: feed.state.status)
    note.next_window()
    seen = feed.state.seen_at
    wait(lambda: feed.state.seen_at > seen + 4)
    feed.close()
    assert stage.zeppelin.asked("POST", f"job/{note.id}") == []


def test_what_is_written_is_a_person_s_edit(note: StagedNote, feed: NoteFeed) -> None:
    query = note.paragraph("query")
    feed.write(query["id"], query["text"], query["text"] + "\n// mine").result(SECONDS)
    feed.save(query["id"]).result(SECONDS)
    assert note.paragraph("query")["text"].endswith("// mine")
    assert note.paragraph("query")["config"]["provision"]["key"] == "query"


def test_a_write_keeps_what_others_wrote_meanwhile(note: StagedNote, feed: NoteFeed) -> None:
    query = note.paragraph("query")
    name, base = query["id"], query["text"]
    feed.write(name, base, base + "\n// one").result(SECONDS)
    feed.write(name, base, base.replace("%spark", "%spark // two")).result(SECONDS)
    assert note.paragraph("query")["text"] == base.replace("%spark", "%spark // two") + "\n// one"


def test_a_server_that_takes_no_patches_gets_whole_texts(stage: Stage, note: StagedNote, feed: NoteFeed) -> None:
    stage.zeppelin.takes_patches = False
    try:
        query = note.paragraph("query")
        feed.write(query["id"], query["text"], "%spark\nval query = 1").result(SECONDS)
        assert note.paragraph("query")["text"] == "%spark\nval query = 1"
        assert not feed.has_patches
    finally:
        stage.zeppelin.takes_patches = True


def test_a_run_s_output_comes_as_it_is_printed(note: StagedNote, feed: NoteFeed) -> None:
    name = note.paragraph("query")["id"]
    feed.run(name).result(SECONDS)

    def output() -> str:
        paragraph = feed.state.note.paragraph(name) if feed.state.note else None
        return "".join(message.data for message in feed.state.outputs_of(paragraph)) if paragraph else ""

    wait(lambda: "ran val query" in output())
    wait(lambda: any("ran val query" in entry.text for entry in feed.log))


def test_a_server_that_is_gone_is_told_and_found_again(stage: Stage, note: StagedNote) -> None:
    with Forwarder(stage.zeppelin.address) as road:
        feed = NoteFeed(lambda: ZeppelinClient(road.url), note.id)
        feed.start()
        wait(lambda: feed.state.is_connected)
        road.down()
        wait(lambda: not feed.state.is_connected)
        with pytest.raises(ProvisionError, match="out of reach"):
            feed.run(note.paragraph("query")["id"]).result(SECONDS)
        road.up()
        wait(lambda: feed.state.is_connected)
        feed.close()


def test_a_note_that_does_not_exist_is_told(stage: Stage) -> None:
    feed = NoteFeed(lambda: ZeppelinClient(stage.url), "2NONE")
    feed.start()
    wait(lambda: "no such note" in feed.state.cause)
    feed.close()


@pytest.mark.parametrize("generation", ["0.8", "0.11", "0.12"])
def test_every_zeppelin_is_heard_and_written_to(generation: str) -> None:
    with Stage(generation) as stage:
        stage.zeppelin.allowed_origins.add(stage.url)
        note = stage.add("NETPIE/ANY metrics csv")
        feed = NoteFeed(lambda: ZeppelinClient(stage.url), note.id)
        feed.start()
        wait(lambda: feed.history.measures())
        query = note.paragraph("query")
        feed.write(query["id"], query["text"], "%spark\nval query = 1").result(SECONDS)
        assert note.paragraph("query")["text"] == "%spark\nval query = 1"
        feed.close()


def test_one_for_reading_only_changes_nothing_whoever_asks(stage: Stage, note: StagedNote) -> None:
    feed = NoteFeed(lambda: ZeppelinClient(stage.url), note.id, read_only=True)
    feed.start()
    wait(lambda: feed.state.is_connected)
    name, text = note.paragraph("query")["id"], note.paragraph("query")["text"]
    for asked in (feed.write(name, text, "other"), feed.save(name), feed.run(name), feed.cancel(name)):
        with pytest.raises(ProvisionError, match="reading only"):
            asked.result(SECONDS)
    for ask in (feed.run_note, feed.stop_note):
        with pytest.raises(ProvisionError, match="reading only"):
            ask()
    feed.close()
    assert note.paragraph("query")["text"] == text


def test_a_failing_stream_is_told_with_its_reason(note: StagedNote, feed: NoteFeed) -> None:
    note.failure = "java.lang.ArithmeticException: / by zero"
    wait(lambda: any("/ by zero" in entry.text and entry.is_bad for entry in feed.log))
    wait(lambda: feed.state.status and feed.state.status.state == "failing")


def test_a_window_is_wanted_once() -> None:
    pace = Pace()
    assert pace.wants(10)
    pace.asked(10)
    assert not pace.wants(10)
    pace.came(20)
    assert not pace.wants(20)
    assert pace.wants(30)
