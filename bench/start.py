"""Starts a side's stream, whichever it is."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.mosquitto import Mosquitto
from bench.pathway import pathway
from bench.shell import Side
from bench.sides import STRUCTURED, Machine, Times, note, paragraphs, properties, running
from bench.structured import structured

STRUCTURED_3 = "structured-3.5"
"""On Spark 3.5, which has no data sources in Python."""

PATHWAY, PATHWAY_KEPT = "pathway", "pathway-kept"
"""Without and with persistence."""


@contextmanager
def started(side: str, host: Machine, broker: Mosquitto, times: Times, folder: Path, **more: str) -> Iterator[Side]:
    """The side's stream, running; its windows go to the folder `SIDE-out`, its other files to `SIDE`."""
    out = folder / f"{side}-out"
    if side in (STRUCTURED, STRUCTURED_3):
        release = "3.5.9" if side == STRUCTURED_3 else ""
        with structured(host, broker.url, times, folder / side, out, pyspark=release, **more) as process:
            yield process
        return
    if side in (PATHWAY, PATHWAY_KEPT):
        with pathway(broker.url, times, folder / side, out, persistence=side == PATHWAY_KEPT) as process:
            yield process
        return
    rendered = note(side, host, broker.url, times, out, **more)
    with running(paragraphs(rendered), properties(rendered), host, folder / side) as shell:
        yield shell
