"""What people do to paragraphs, in a real browser."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from zeppelin_sdk import ZeppelinClient

from ..live.forwarder import Forwarder
from ..live.stage import Stage
from .conftest import Visits
from .looking import editor, paragraph, type_at_end, wait_for
from .served import Served, serving

pytestmark = pytest.mark.browser


def test_an_edit_reaches_the_server_as_a_person_s(stage: Stage, served: Served, visit: Visits) -> None:
    note = stage.add("NETPIE/EDITS metrics csv")
    page = visit(served.note(note.id))
    type_at_end(page, editor(page, note, "query"), "\n// hotter")
    wait_for(page, lambda: note.paragraph("query")["text"].endswith("// hotter"))
    wait_for(page, lambda: any(m["op"] == "COMMIT_PARAGRAPH" for m in stage.zeppelin.socket_messages))
    assert not stage.zeppelin.asked("PUT", note.paragraph("query")["id"])


def test_an_edit_from_elsewhere_appears(stage: Stage, served: Served, visit: Visits) -> None:
    note = stage.add("NETPIE/ELSEWHERE metrics csv")
    page = visit(served.note(note.id))
    expect(editor(page, note, "query")).to_contain_text("select max(ts)")
    with ZeppelinClient(stage.url) as client, client.open_note(note.id) as other:
        name = note.paragraph("query")["id"]
        other.update_paragraph(name, text=note.paragraph("query")["text"].replace("avg(cpu)", "max(cpu)"))
    expect(editor(page, note, "query")).to_contain_text("max(cpu)")
    expect(paragraph(page, note, "query")).to_contain_text("ready")


def test_two_people_in_one_paragraph_lose_nothing(stage: Stage, served: Served, visit: Visits) -> None:
    note = stage.add("NETPIE/TWO metrics csv")
    ann, ben = visit(served.note(note.id)), visit(served.note(note.id))
    for page in (ann, ben):
        expect(editor(page, note, "query")).to_contain_text("select max(ts)")
    editor(ben, note, "query").click()
    ben.keyboard.press("Control+Home")
    ben.keyboard.press("End")
    type_at_end(ann, editor(ann, note, "query"), "\n// ann was ")
    ben.keyboard.type(" // ben was ")
    ann.keyboard.type("here")
    ben.keyboard.type("there")
    for page in (ann, ben):
        expect(editor(page, note, "query")).to_contain_text("// ann was here")
        expect(editor(page, note, "query")).to_contain_text("// ben was there")
    wait_for(
        ann, lambda: {"// ann was here", "%spark // ben was there"} <= set(note.paragraph("query")["text"].split("\n"))
    )


def test_a_run_shows_its_output_and_a_stop_ends_it(stage: Stage, served: Served, visit: Visits) -> None:
    note = stage.add("NETPIE/RUNS metrics csv")
    page = visit(served.note(note.id))
    card = paragraph(page, note, "query")
    card.get_by_role("button", name=re.compile("^Run")).click()
    expect(card.locator("pre")).to_contain_text("ran val query")
    expect(card).to_contain_text("finished")
    stage.zeppelin.stuck.add(note.paragraph("query")["id"])
    card.get_by_role("button", name=re.compile("^Run")).click()
    card.get_by_role("button", name=re.compile("^Stop")).click()
    expect(card).to_contain_text("abort")


def test_a_server_that_goes_and_comes_back(stage: Stage, tmp_path: Path, visit: Visits) -> None:
    note = stage.add("NETPIE/GONE metrics csv")
    with Forwarder(stage.zeppelin.address) as road, serving(tmp_path, road.url) as served:
        page = visit(served.note(note.id))
        expect(editor(page, note, "query")).to_contain_text("select max(ts)")
        road.down()
        expect(page.get_by_role("alert")).to_contain_text("out of reach")
        type_at_end(page, editor(page, note, "query"), "\n// meanwhile")
        expect(paragraph(page, note, "query")).to_contain_text("not sent yet")
        road.up()
        expect(page.get_by_role("alert")).to_be_hidden()
        wait_for(page, lambda: note.paragraph("query")["text"].endswith("// meanwhile"))
