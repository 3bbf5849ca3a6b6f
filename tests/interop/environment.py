"""An environment with the real microgear-python, made once; run it to get the path of its interpreter.

microgear 1.2.7 asks for paho-mqtt 1.2.3 exactly, which cannot share an environment with a current paho.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from provision.home import cache_dir

PACKAGES = ("microgear==1.2.7", "paho-mqtt==1.2.3", "requests>=2.32,<3", "certifi")
NAME = f"microgear-1.2.7-py{sys.version_info.major}{sys.version_info.minor}"


def interpreter() -> Path:
    """Return the Python interpreter that has microgear, installing it first when it is missing.

    The environment appears whole or not at all: it is made beside its place and then moved there.
    """
    home = cache_dir() / "interop" / NAME
    if not home.exists():
        home.parent.mkdir(parents=True, exist_ok=True)
        making = Path(tempfile.mkdtemp(prefix=f".{NAME}.", dir=home.parent))
        try:
            _run(sys.executable, "-m", "venv", str(making))
            _run(str(making / "bin" / "python"), "-m", "pip", "install", "--quiet", *PACKAGES)
            _move(making, home)
        finally:
            shutil.rmtree(making, ignore_errors=True)
    return home / "bin" / "python"


def _move(made: Path, home: Path) -> None:
    try:
        os.rename(made, home)
    except OSError:
        if not home.exists():  # else another process has made it meanwhile
            raise


def _run(*command: str) -> None:
    env = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=600)
    if done.returncode:
        raise SystemExit(f"{' '.join(command[:4])} …: {done.stdout[-2000:]}{done.stderr[-2000:]}")


if __name__ == "__main__":
    sys.stdout.write(f"{interpreter()}\n")
