"""Environments with NETPIE's real clients, each made once. Run it with a client's name to get its interpreter's path.

microgear 1.2.7 asks for paho-mqtt 1.2.3 exactly, which cannot share an environment with a current paho;
micropython-netpie 1.0.0 brings a module `simple`.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from provision.home import cache_dir

CLIENTS = {
    "microgear-1.2.7": ("microgear==1.2.7", "paho-mqtt==1.2.3", "requests>=2.32,<3", "certifi"),
    "micropython-netpie-1.0.0": ("micropython-netpie==1.0.0",),
}


def interpreter(client: str) -> Path:
    """Return the Python interpreter that has `client`, installing it first when it is missing.

    The environment appears whole or not at all: it is made beside its place and then moved there.
    """
    name = f"{client}-py{sys.version_info.major}{sys.version_info.minor}"
    home = cache_dir() / "interop" / name
    if not home.exists():
        home.parent.mkdir(parents=True, exist_ok=True)
        making = Path(tempfile.mkdtemp(prefix=f".{name}.", dir=home.parent))
        try:
            _run(sys.executable, "-m", "venv", str(making))
            _run(str(making / "bin" / "python"), "-m", "pip", "install", "--quiet", *CLIENTS[client])
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
    sys.stdout.write(f"{interpreter(sys.argv[1])}\n")
