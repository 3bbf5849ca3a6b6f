"""Windows as charts, in the terminal and in files."""

import io
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rich.console import Console

from provision.drawing.chart import Chart, chart_of
from provision.drawing.image import check_image, write_image
from provision.drawing.terminal_chart import terminal_charts
from provision.errors import ProvisionError, UsageError
from provision.live.history import History
from provision.streams.windows import Window

PNG = b"\x89PNG\r\n\x1a\n"


def history(keys: int = 2, windows: int = 20, missing: int = -1) -> History:
    found = History()
    found.add(
        Window(
            1_795_000_000_000 + 10_000 * at,
            (),
            tuple((f"host-{key}", str(50 + at), str(key - at / 7)) for key in range(keys)),
            ("id", "avg(cpu)", "avg(mem)"),
        )
        for at in range(windows)
        if at != missing
    )
    return found


def drawn(chart: Chart, width: int, *, colours: bool = False, small: bool = False) -> list[str]:
    console = Console(width=width, file=io.StringIO(), force_terminal=colours, color_system="standard")
    console.print(terminal_charts(chart, str, width=width, colours=colours, small=small))
    return str(console.file.getvalue()).splitlines()  # type: ignore[attr-defined]


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize(("keys", "windows"), [(1, 1), (2, 2), (4, 60), (100, 60)])
@pytest.mark.parametrize("small", [False, True])
def test_a_terminal_s_width_is_kept_to(width: int, keys: int, windows: int, small: bool) -> None:
    lines = drawn(chart_of("x", history(keys, windows)), width, small=small)
    assert max(map(len, lines)) <= width
    assert "…" not in "".join(lines)
    assert "avg(cpu)" in lines[0]


def test_without_colours_letters_tell_lines_apart() -> None:
    lines = drawn(chart_of("x", history()), 80)
    assert lines[-1] == "a host-0   b host-1"
    assert any("b" in line for line in lines[2:12])
    assert "\x1b" not in "".join(lines)


def test_with_colours_it_has_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # plotille looks at the real standard output
    lines = drawn(chart_of("x", history(8)), 80, colours=True)
    assert "\x1b[36m" in "".join(lines)
    assert "━ host-7" in "\n".join(lines)


def test_small_ones_stand_side_by_side() -> None:
    assert drawn(chart_of("x", history()), 120, small=True)[0].split() == ["avg(cpu)", "avg(mem)"]


def test_a_level_line_and_a_lone_window_are_drawn() -> None:
    found = History()
    found.add([Window(1_795_000_000_000, (), (("ant", "0"),), ("id", "cpu"))])
    assert any("a" in line for line in drawn(chart_of("x", found), 80)[1:])


def test_only_what_is_named_is_drawn() -> None:
    chart = chart_of("x", history(), measures=["avg(mem)"], keys=["host-1"], span=50)
    (lines,) = chart.measures
    assert lines.measure == "avg(mem)"
    assert [line.key for line in lines.lines] == ["host-1"]
    assert len(lines.ends) == 5


@pytest.mark.parametrize(
    ("named", "told"),
    [({"measures": ["avg(cpuu)"]}, "no measure 'avg(cpuu)'"), ({"keys": ["host-9"]}, "no key 'host-9'")],
)
def test_what_is_not_there_is_told_with_what_is(named: dict[str, list[str]], told: str) -> None:
    with pytest.raises(UsageError) as error:
        chart_of("x", history(), **named)  # type: ignore[arg-type]
    assert told in error.value.message
    assert "did you mean" in error.value.next_step


def test_without_windows_it_says_so() -> None:
    with pytest.raises(UsageError, match="no window with numbers"):
        chart_of("x", History())


@pytest.mark.parametrize("keys", [1, 4, 100])
def test_a_png_and_an_svg_are_written(tmp_path: Path, keys: int) -> None:
    chart = chart_of("NETPIE/DEMO metrics csv", history(keys, missing=7))
    png, svg = tmp_path / "a.png", tmp_path / "a.SVG"
    write_image(chart, png, str)
    write_image(chart, svg, str)
    assert png.read_bytes().startswith(PNG)
    texts = {"".join(each.itertext()).strip() for each in ElementTree.parse(svg).iter() if each.tag.endswith("text")}
    assert {"NETPIE/DEMO metrics csv", "avg(cpu)", "avg(mem)"} <= texts
    assert ("host-1" in texts) == (keys == 4)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.SVG", "a.png"]


def test_names_from_a_note_are_text_and_secrets_are_hidden(tmp_path: Path) -> None:
    found = History()
    names = ["_hidden", "$x^2$ & <b>", "s3cret"]
    rows = tuple((name, "1") for name in names)
    found.add([Window(1_795_000_000_000 + at, (), rows, ("id", "avg($y$)")) for at in (0, 10_000)])
    file = tmp_path / "a.svg"
    write_image(chart_of("$t$", found), file, lambda text: text.replace("s3cret", "***"))
    texts = {"".join(each.itertext()).strip() for each in ElementTree.parse(file).iter() if each.tag.endswith("text")}
    assert {"_hidden", "$x^2$ & <b>", "***", "avg($y$)", "$t$"} <= texts
    assert "s3cret" not in file.read_text(encoding="utf-8")


def test_a_picture_that_can_not_be_written_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(b"old")

    def fails(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", fails)
    with pytest.raises(OSError, match="No space left"):
        write_image(chart_of("x", history()), file, str)
    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]


def test_other_names_and_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no name of a picture"):
        check_image(tmp_path / "a.gif")
    with pytest.raises(UsageError, match=r"there is no folder"):
        check_image(tmp_path / "none" / "a.png")


def test_where_the_extra_is_missing_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ProvisionError) as told:
        check_image(tmp_path / "a.png")
    assert "[plot]" in told.value.next_step
