"""The screen of `provision top`: whether a stream is well, its figures, a sparkline for each key. Pure."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from provision.drawing.sparkline import sparkline
from provision.live.feed import Entry
from provision.live.health import Figure, Health, Tone
from provision.live.history import History
from provision.streams.listing import Listed
from provision.streams.measures import shown_number

LOG_LINES = 5
_STYLES = {Tone.GOOD: "green", Tone.WARN: "yellow", Tone.BAD: "red", Tone.OFF: "dim"}
_STATES = {"streaming": Tone.GOOD, "running": Tone.GOOD, "failing": Tone.BAD, "failed": Tone.BAD, "unknown": Tone.WARN}
_KEY_MOST = 24
_VALUE, _SPARK_LEAST, _SPARK_MOST = 7, 6, 30
_GAP = 2
_TREND = 10


@dataclass(frozen=True)
class TopState:
    """What there is to show of a note. `trends` are the latest values of figures, by their name."""

    title: str
    health: Health
    figures: Sequence[Figure]
    history: History
    log: Sequence[Entry] = ()
    trends: Mapping[str, Sequence[float]] = field(default_factory=dict)
    cause: str = ""


def note_screen(seen: TopState, shown: Callable[[str], str], *, width: int, height: int | None = None) -> Group:
    """A note on `width` columns, and no more than `height` lines if that is given; each text as `shown` has it."""
    parts: list[RenderableType] = [*_headed(seen, shown, width)]
    parts += _wrapped([_figure(each, seen.trends) for each in seen.figures], width)
    log = [_log_line(entry, shown) for entry in list(seen.log)[-LOG_LINES:]]
    room = None if height is None else height - len(parts) - len(log) - bool(log) - 3
    parts += [Text(), *_keys(seen.history, shown, width, room)]
    parts += [Text(), *log] if log else []
    return Group(*(_fitted(part, width) if isinstance(part, Text) else part for part in parts))


def notes_screen(listed: Sequence[Listed], shown: Callable[[str], str], *, width: int, cause: str = "") -> Group:
    """All notes of a server, those that fail first, with what fails."""
    order = [Tone.BAD, Tone.WARN, Tone.GOOD, Tone.OFF]
    table = Table(box=None, pad_edge=False, width=width, header_style="bold")
    table.add_column("state", no_wrap=True)
    table.add_column("events/s", justify="right", no_wrap=True)
    table.add_column("lag", justify="right", no_wrap=True)
    table.add_column("window", justify="right", no_wrap=True)
    table.add_column("note", ratio=1, overflow="ellipsis", no_wrap=True)
    failures = []
    for each in sorted(listed, key=lambda each: (order.index(_tone(each.state)), each.note.path)):
        stream = each.stream
        rate = shown_number(round(stream.events_per_second, 1)) if stream else ""
        lag = f"{shown_number(stream.lag_s)} s" if stream else ""
        until = time.strftime("%H:%M:%S", time.localtime(each.last_window / 1000)) if each.last_window else ""
        state = Text(each.state, style=_STYLES[_tone(each.state)])
        table.add_row(state, rate, lag, until, Text(shown(each.note.path.removeprefix("/"))))
        if each.failure:
            failures.append(Text(shown(f"{each.note.path.removeprefix('/')}: {each.failure}"), style="red"))
    lost = [Text(shown(cause), style="red")] if cause else []
    none = [] if listed else [Text("No note on this server was made by provision.", style="dim")]
    return Group(*lost, *none, *([table] if listed else []), *([Text(), *failures] if failures else []))


def _tone(state: str) -> Tone:
    return _STATES.get(state, Tone.OFF)


def _headed(seen: TopState, shown: Callable[[str], str], width: int) -> list[Text]:
    state = Text(seen.health.word, style=f"bold {_STYLES[seen.health.level]}")
    title = Text(shown(seen.title), style="bold")
    title.truncate(max(8, width - state.cell_len - _GAP), overflow="ellipsis")
    space = " " * max(_GAP, width - title.cell_len - state.cell_len)
    told = [Text(shown(" ".join(seen.health.sentence.split())), style=_STYLES[seen.health.level])]
    told += [Text(shown(seen.cause), style="red")] if seen.cause else []
    plain = Console(width=width)
    return [Text.assemble(title, space, state), *(line for text in told for line in text.wrap(plain, width))]


def _figure(figure: Figure, trends: Mapping[str, Sequence[float]]) -> Text:
    values = trends.get(figure.name, ())
    style = "bold" if figure.level is Tone.GOOD else f"bold {_STYLES[figure.level]}"
    parts: list[str | tuple[str, str]] = [(f"{figure.name} ", "dim"), (figure.value, style)]
    return Text.assemble(*parts, (f" {sparkline(values, _TREND)}", "cyan") if len(values) > 1 else "")


def _wrapped(texts: Sequence[Text], width: int) -> list[Text]:
    """The texts, as many in a line as fit."""
    lines: list[Text] = []
    for text in texts:
        if lines and lines[-1].cell_len + 3 + text.cell_len <= width:
            lines[-1] = Text.assemble(lines[-1], "   ", text)
        else:
            lines.append(text)
    return lines


def _keys(history: History, shown: Callable[[str], str], width: int, room: int | None) -> list[RenderableType]:
    """A line for each key with its measures, as many as there is room for; what there is no room for is said."""
    keys, measures = history.keys(), history.measures()
    if not measures:
        return [Text("No window has ended yet.", style="dim")]
    name_width = min(_KEY_MOST, max(3, *(Text(shown(key)).cell_len for key in keys)))
    each_least = _GAP + _SPARK_LEAST + 1 + _VALUE
    count = max(1, min(len(measures), (width - name_width) // each_least))
    spark = max(1, min(_SPARK_MOST, (width - name_width) // count - _GAP - 1 - _VALUE))
    fitting = keys if room is None or len(keys) <= room else keys[: max(1, room - 1)]
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
    table.add_column("key", width=name_width, no_wrap=True, overflow="ellipsis")
    for name in measures[:count]:
        table.add_column(Text(shown(name)), width=spark + 1 + _VALUE, no_wrap=True, overflow="ellipsis")
    lines = [history.lines(name, fitting) for name in measures[:count]]
    for at, key in enumerate(fitting):
        table.add_row(Text(shown(key)), *(_cell(each.lines[at].values, spark) for each in lines))
    hidden = [f"{len(keys) - len(fitting)} more keys"] if len(fitting) < len(keys) else []
    hidden += [", ".join(map(shown, measures[count:]))] if count < len(measures) else []
    return [table, *([Text(f"… and {'; '.join(hidden)}", style="dim")] if hidden else [])]


def _cell(values: Sequence[float | None], spark: int) -> Text:
    last = next((value for value in reversed(values) if value is not None), None) if values[-1:] != (None,) else None
    told = "-" if last is None else shown_number(last)
    return Text.assemble((sparkline(values, spark).ljust(spark), "cyan"), " ", told.rjust(_VALUE))


def _log_line(entry: Entry, shown: Callable[[str], str]) -> Text:
    at = time.strftime("%H:%M:%S", time.localtime(entry.at))
    text = " ".join(entry.text.split())
    return Text.assemble((f"{at} ", "dim"), (shown(f"{entry.about}: {text}"), "red" if entry.is_bad else ""))


def _fitted(text: Text, width: int) -> Text:
    text.truncate(width, overflow="ellipsis")
    return text
