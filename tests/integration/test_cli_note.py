"""A note from the command line: other dependencies, other notes, the same note again."""

import pytest

from .conftest import Round

OTHER = "  Spark runs with other dependencies: restarting Spark's interpreter …"
HELD = "  /rounds/classic streams in the same Spark, and lets no other paragraph run: restarting Spark's interpreter …"


def test_a_note_with_the_same_dependencies_does_not_wait_behind_a_stream_that_lets_nothing_run(
    rounds: list[Round],
) -> None:
    another = rounds[1]

    assert another.applied.err.splitlines().count(HELD) == 1
    assert another.applied.err.count("restarting") == 1
    assert another.status.json["state"] == "streaming"


def test_a_stream_is_told_of_the_note_that_it_is_of_and_of_no_other(rounds: list[Round]) -> None:
    assert [each.first == "streaming" for each in rounds] == [True, False, False]


def test_a_note_with_other_dependencies_runs_after_one_line_about_the_restart(rounds: list[Round]) -> None:
    streaming = rounds[2]

    assert streaming.applied.err.splitlines().count(OTHER) == 1
    assert "before" not in streaming.applied.err.lower().replace("end of the stream before", "")
    assert streaming.status.json["state"] == "streaming"


@pytest.mark.long
def test_the_document_s_note_runs_again_after_another(rounds: list[Round], again: Round) -> None:
    assert again.applied.err.count("restarting Spark's interpreter") == 1
    assert again.status.json["state"] == again.first == "streaming"


def test_the_answers_name_the_note_and_its_end(rounds: list[Round]) -> None:
    assert [each.applied.json["note"] == each.status.json["note"] for each in rounds] == [True] * 3
    assert [each.stopped.json["stopped"] for each in rounds if each.stopped] == [True]
