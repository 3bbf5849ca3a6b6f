"""Packages that an output needs and the note's Python may not have."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any


def required(module: str, requirement: str) -> Any:
    """The module; where it is not installed, pip installs what has it into a folder of its own, once.

    Raises RuntimeError where it can't, in a line.
    """
    folder = _home() / f"{module}-python{sys.version_info[0]}.{sys.version_info[1]}"
    if folder.is_dir() and str(folder) not in sys.path:
        sys.path.append(str(folder))
    try:
        return importlib.import_module(module)
    except ImportError:
        pass
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        target = Path(scratch) / "packages"
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]
        done = subprocess.run(
            [*command, "--target", str(target), requirement], stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        if done.returncode:
            why = (done.stderr.strip().splitlines() or ["pip gives no reason"])[-1]
            raise RuntimeError(f"{sys.executable} has no {module}, and pip can't install it: {why}")
        if not folder.exists():  # another note's may have been faster
            os.replace(target, folder)
    sys.path.append(str(folder))
    importlib.invalidate_caches()
    return importlib.import_module(module)


def _home() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "note-outputs"
