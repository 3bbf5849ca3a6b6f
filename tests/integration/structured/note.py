"""The paragraphs of a rendered note in a Python with Spark, without Zeppelin: `python note.py FOLDER KEY…`.

Runs those of these keys in their order and says so, then each that a line of standard input names.
"""

import sys
from pathlib import Path
from typing import Any


def main(folder: Path, keys: list[str]) -> None:
    names: dict[str, Any] = {"__name__": "__main__"}

    def run(key: str) -> None:
        exec(compile((folder / f"{key}.py").read_text(), key, "exec"), names)
        print(f"ran {key}", flush=True)

    for key in keys:
        run(key)
    for line in sys.stdin:
        run(line.strip())


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
