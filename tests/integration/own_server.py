"""A Zeppelin server of a test's own, beside the embedded stack that the others share."""

from pathlib import Path

from provision.console import Console
from provision.embedded import processes, zeppelin
from provision.embedded.loopback import loopback_jars
from provision.embedded.ports import LOOPBACK, Ports, claim
from provision.embedded.runtime import Choice, install_runtime
from provision.embedded.starting import Starting, wait_until_ready
from zeppelin_sdk import ZeppelinClient, ZeppelinError


class OwnServer:
    """A Zeppelin in `folder`, on a port of its own, with these `properties` besides the embedded one's."""

    def __init__(self, folder: Path, **properties: str) -> None:
        self.runtime = install_runtime(Choice(), Console())
        self._loopback = loopback_jars(self.runtime, Console())
        self._folders = zeppelin.Folders(folder)
        self.port = claim(Ports()).zeppelin
        self.mark = f"test-{folder.name}"
        self._properties = properties
        self.start()

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def start(self) -> None:
        zeppelin.configure(self.runtime, self._folders, self.port)
        self._add_properties()
        self._process = zeppelin.start(self.runtime, self._folders, self._loopback, self.mark)
        wait_until_ready([Starting("Zeppelin", self._process, [self._folders.log], self._answers)])

    def _add_properties(self) -> None:
        site = self._folders.conf / "zeppelin-site.xml"
        entries = "".join(
            f"<property><name>{name}</name><value>{value}</value></property>\n"
            for name, value in self._properties.items()
        )
        site.write_text(site.read_text().replace("</configuration>", f"{entries}</configuration>"))

    def _answers(self) -> bool:
        try:
            with ZeppelinClient(self.url, timeout=5) as client:
                client.list_notes()
        except ZeppelinError:
            return False
        return True

    def kill_alone(self) -> None:
        """Kill the server; its interpreters go on."""
        self._process.kill()
        self._process.wait()

    def kill(self) -> None:
        self.kill_alone()
        processes.end(processes.marked(self.mark))
