"""The outputs of a stream, to be killed: `python stream.py FOLDER COUNT [DATABASE]` gives them windows as a note does.

It goes on where an earlier process was, ends after COUNT more, and prints a line when it begins. The batch that was
under way is given again, as by Spark.
"""

import os
import sys
import time
from pathlib import Path

from bench.postgres import PASSWORD, USER
from tests.outputs.windows import window
from zeppelin_notes.outputs import Outputs
from zeppelin_notes.outputs.csv import Csv
from zeppelin_notes.outputs.parquet import Parquet
from zeppelin_notes.outputs.postgresql import Postgresql


def main(folder: Path, count: int, url: str = "") -> None:
    os.fsync = lambda _: None  # type: ignore[assignment] # what is killed is the process, not the machine
    outputs = Outputs(str(folder / "waiting"), keep=True)
    outputs.to("csv", Csv(str(folder / "csv")))
    outputs.to("parquet", Parquet(str(folder / "parquet")))
    if url:
        outputs.to("postgresql", Postgresql(url, "windows", ["id"], USER, PASSWORD))
    committed, unfinished = folder / "committed", folder / "committed.new"
    first = int(committed.read_text()) + 1 if committed.exists() else 0
    print("begun", flush=True)
    for number in range(first, first + count):
        outputs.put(window(number, keys=50))
        time.sleep(0.003)
        unfinished.write_text(str(number))
        unfinished.replace(committed)
    outputs.drain(120)
    print(*(each.line() for each in outputs.told()), sep="\n")
    outputs.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])
