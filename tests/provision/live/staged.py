"""A staged server to look at: `python -m tests.provision.live.staged [KEYS]`; a window ends every ten seconds."""

import sys
import time

from .stage import KEYS, SLIDE_MS, Stage


def main(keys: int) -> None:
    """Serve until interrupted."""
    names = [f"host-{number:03}" for number in range(keys)] if keys else KEYS
    with Stage() as stage:
        note = stage.add("NETPIE/DEMO metrics csv", names, windows=60)
        print(f'provision page --zeppelin {stage.url} "DEMO metrics csv"', flush=True)
        while True:
            due = (note.windows[-1][0] + SLIDE_MS) / 1000
            time.sleep(max(0.0, due - time.time()))
            note.next_window()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
