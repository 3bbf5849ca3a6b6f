"""A started stack, and the file that records it."""

import contextlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from provision.embedded import processes
from provision.embedded.ports import Ports
from provision.embedded.runtime import Runtime
from provision.home import state_dir, write_private


@dataclass(frozen=True)
class Netpie:
    """The emulator's addresses and its one application (the secret stays in the emulator's 0600 files)."""

    auth: str
    mqtt: str
    appid: str
    appkey: str


@dataclass(frozen=True)
class Pids:
    """The two servers' process ids."""

    zeppelin: int
    netpie: int


@dataclass(frozen=True)
class Stack:
    """A started stack; every process of it carries `mark` in its environment."""

    mark: str
    url: str
    web_page: bool
    pids: Pids
    netpie: Netpie
    runtime: Runtime
    logs: Path

    @property
    def running(self) -> bool:
        """Whether both servers still run."""
        return all(processes.is_marked(pid, self.mark) for pid in (self.pids.zeppelin, self.pids.netpie))

    def to_json(self) -> dict[str, Any]:
        """The `--json` keys of `up` and `status`."""
        return {
            "zeppelin": self.url,
            "netpie": asdict(self.netpie),
            "pids": asdict(self.pids),
            "logs": str(self.logs),
        }


def write_mark(mark: str) -> None:
    """Record that processes with this mark are about to be started."""
    _write({"mark": mark})


def write_stack(stack: Stack) -> None:
    """Record a started stack."""
    _write(asdict(stack))


def read_mark() -> str | None:
    """The recorded stack's mark; None when nothing is recorded."""
    mark = _read().get("mark")
    return mark if isinstance(mark, str) else None


def read_stack() -> Stack | None:
    """The recorded stack; None when there is none, when its start did not finish, or when another version of
    this tool wrote the record.
    """
    record = _read()
    with contextlib.suppress(KeyError, TypeError, AttributeError):
        return Stack(
            mark=record["mark"],
            url=record["url"],
            web_page=record["web_page"],
            pids=Pids(**record["pids"]),
            netpie=Netpie(**record["netpie"]),
            runtime=Runtime(**{name: Path(path) for name, path in record["runtime"].items()}),
            logs=Path(record["logs"]),
        )
    return None


def write_ports(ports: Ports) -> None:
    """Record the ports for the next start: addresses in notes, credentials and bookmarks then stay valid."""
    write_private(_ports_path(), json.dumps(asdict(ports)))


def last_ports() -> Ports:
    """The ports of the last start; zeros when there was none."""
    with contextlib.suppress(OSError, ValueError, TypeError):
        return Ports(**json.loads(_ports_path().read_text()))
    return Ports()


def _ports_path() -> Path:
    return state_dir() / "ports.json"


def forget() -> None:
    """Remove the record."""
    record_path().unlink(missing_ok=True)


def record_path() -> Path:
    """The record's file."""
    return state_dir() / "stack.json"


def _read() -> dict[str, Any]:
    try:
        record = json.loads(record_path().read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _write(record: dict[str, Any]) -> None:
    write_private(record_path(), json.dumps(record, default=str, indent=2))
