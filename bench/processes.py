"""Ends a measure's processes, and prints its progress."""

import subprocess
import sys
import time

_BEGAN = time.monotonic()


def ended(process: subprocess.Popen[bytes], *, patience: float = 5.0) -> None:
    """Ask a process to end, and kill it after so many seconds."""
    process.terminate()
    try:
        process.wait(timeout=patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def say(text: str) -> None:
    """A line of progress on standard error, with the minutes since the start."""
    minutes, seconds = divmod(int(time.monotonic() - _BEGAN), 60)
    print(f"{minutes:3}:{seconds:02}  {text}", file=sys.stderr, flush=True)
