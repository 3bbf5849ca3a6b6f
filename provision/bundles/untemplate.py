"""Turns an edited text back into a template: a place stays wherever its value still stands.

Pure. The template, filled with the same values, gives the edited text exactly.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from provision.bundles.placeholders import Piece, escaped

_MOST = 4_000_000  # product of two lengths up to which texts are compared by character


@dataclass(frozen=True)
class Reversed:
    """A template's text, with the names of the places that are lost because their values were edited."""

    text: str
    lost: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Span:
    """A place in the filled template."""

    start: int
    end: int
    piece: Piece


def to_template(pieces: Sequence[Piece], edited: str) -> Reversed:
    """The template of `edited`, which was made from the filled template `pieces`."""
    base = "".join(piece.text for piece in pieces)
    blocks = list(_same(base, edited))
    template: list[str] = []
    lost: list[str] = []
    done = 0
    for span in _spans(pieces):
        at = _found(span, base, edited, blocks)
        if at is None or at < done or (span.piece.is_condition and not _ends_line(edited[done:at], template)):
            lost.append(span.piece.name)
            continue
        template += [escaped(edited[done:at]), span.piece.place]
        done = at + span.end - span.start
    template.append(escaped(edited[done:]))
    return Reversed("".join(template), tuple(dict.fromkeys(lost)))


def _ends_line(text: str, before: Sequence[str]) -> bool:
    """Whether a line begins after `text`, which follows `before`: two optional lines may have become one."""
    return (text or (before[-1] if before else "\n")).endswith("\n")


def _spans(pieces: Sequence[Piece]) -> Iterator[_Span]:
    at = 0
    for piece in pieces:
        if piece.place:
            yield _Span(at, at + len(piece.text), piece)
        at += len(piece.text)


def _found(span: _Span, base: str, edited: str, blocks: Sequence[tuple[int, int, int]]) -> int | None:
    """Where the place's value stands in the edited text, unless it, or the word that it is a part of, was edited."""
    for old, new, size in blocks:
        if old <= span.start and span.end <= old + size:
            at = span.start - old + new
            end = at + span.end - span.start
            around = base[span.start - 1 : span.start], base[span.end : span.end + 1]
            now = edited[at - 1 : at] if at else "", edited[end : end + 1]
            if span.start == 0:
                around = "", around[1]
            whole = (
                _is_whole(now[0], edited[at:end], around[0]),
                _is_whole(now[1], edited[at:end][::-1], around[1]),
            )
            if all(whole):
                return at
    return None


def _is_whole(neighbour: str, value: str, before: str) -> bool:
    """Whether a value is not continued by its neighbour, a word by a letter, or was so before."""
    if neighbour == before:
        return True
    return bool(value) and not (_in_word(neighbour) and _in_word(value[:1]))


def _in_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def _same(base: str, edited: str) -> Iterator[tuple[int, int, int]]:
    """The parts that both texts have, as (start in base, start in edited, length): by lines, then within lines."""
    old, new = base.splitlines(keepends=True), edited.splitlines(keepends=True)
    starts, new_starts = _starts(old), _starts(new)
    blocks: list[tuple[int, int, int]] = []
    for tag, i, j, k, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        a, b = starts[i], new_starts[k]
        if tag == "equal":
            blocks.append((a, b, starts[j] - a))
        elif tag == "replace" and (starts[j] - a) * (new_starts[m] - b) <= _MOST:
            inner = SequenceMatcher(None, base[a : starts[j]], edited[b : new_starts[m]], autojunk=False)
            blocks += [(a + each.a, b + each.b, each.size) for each in inner.get_matching_blocks() if each.size]
    return _joined(blocks)


def _starts(lines: Sequence[str]) -> list[int]:
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    return starts


def _joined(blocks: Sequence[tuple[int, int, int]]) -> Iterator[tuple[int, int, int]]:
    """Blocks that follow each other in both texts as one: a place may reach over a line's end."""
    last: tuple[int, int, int] | None = None
    for block in blocks:
        if last and last[0] + last[2] == block[0] and last[1] + last[2] == block[1]:
            last = (last[0], last[1], last[2] + block[2])
            continue
        if last:
            yield last
        last = block
    if last:
        yield last
