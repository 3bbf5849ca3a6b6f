"""What every output that delivers has to get through."""

from pathlib import Path
from typing import Any, Protocol

from zeppelin_notes.outputs import Outputs

from .test_delivery import until
from .windows import window


class Away(Protocol):
    """A server that can be away."""

    port: int

    def start(self) -> None: ...

    def stop(self) -> None: ...


def away_and_back(name: str, output: Any, server: Away, folder: Path) -> None:
    """Give `output` the windows 0 to 6, of which the server gets all but the first when it is back."""
    outputs = Outputs(str(folder))
    outputs.to(name, output)
    outputs.put(window(0))
    until("the first window", lambda: outputs.told()[0].delivered == 1)
    server.stop()
    for number in range(1, 7):
        outputs.put(window(number))
    until("the failure", lambda: outputs.told()[0].reason)
    assert f"127.0.0.1:{server.port}" in outputs.told()[0].reason
    assert outputs.told()[0].waiting == 6
    server.start()
    until("all are delivered", lambda: not outputs.told()[0].waiting)
    outputs.close()
