"""The NETPIE emulator as a server process of the stack."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from provision.embedded import processes
from provision.embedded.application import demo_application
from provision.embedded.environment import inherited
from provision.embedded.ports import Ports
from provision.embedded.record import Netpie
from provision.errors import UsageError
from provision.home import private_dir, state_dir


def check_installed() -> None:
    """Raise `UsageError` where the emulator's MQTT broker is not installed: it is an extra of this distribution."""
    if importlib.util.find_spec("amqtt") is None:
        raise UsageError(
            "the embedded stack's NETPIE needs amqtt, which is not installed",
            next_step="install this tool with its extra: pip install ./zeppelin-sdk '.[emulator]'",
        )


def emulator_dir() -> Path:
    """The emulator's state: applications and tokens that survive a restart."""
    return private_dir(state_dir() / "emulator")


def start(ports: Ports, log: Path, stack: str) -> subprocess.Popen[bytes]:
    """Start the emulator in its own session; `stack` marks it as this stack's."""
    _ready_file().unlink(missing_ok=True)
    application = demo_application()
    command = [
        sys.executable, "-m", "netpie_emulator", "--state", str(emulator_dir()),
        "--appid", application.appid, "--appkey", application.appkey,
        "--http-port", str(ports.auth), "--mqtt-port", str(ports.mqtt), "--ready-file", str(_ready_file()),
    ]  # fmt: skip
    environment = inherited() | {"NETPIE_APPSECRET": application.appsecret}
    return processes.start(command, environment, log=log, stack=stack)


def is_ready() -> bool:
    """Whether the started emulator answers on both its ports."""
    return _ready_file().exists()


def addresses() -> Netpie:
    """The addresses of the emulator, once it is ready."""
    ready: dict[str, Any] = json.loads(_ready_file().read_text())
    return Netpie(ready["auth"], f"{ready['mqtt']['host']}:{ready['mqtt']['port']}", ready["appid"], ready["appkey"])


def _ready_file() -> Path:
    return emulator_dir() / "ready.json"
