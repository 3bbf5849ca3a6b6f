"""A standalone Spark cluster on loopback: a master, workers and their executors."""

import contextlib
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import requests

from provision.embedded import processes
from provision.embedded.environment import inherited
from provision.embedded.runtime import Runtime

from .streams import wait_for

START_TIMEOUT = 60.0  # seconds for a Java process to come up on a busy machine


@dataclass
class Cluster:
    """A running cluster; `url` is what Spark's `spark.master` takes, `page` the master's web page."""

    runtime: Runtime
    folder: Path
    url: str = ""
    page: str = ""
    servers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, workers: int, cores: int, memory: str) -> None:
        """Start the master and the workers, each with so many cores and so much memory for executors."""
        log = self._spawn("master.Master", "--port", "0", "--webui-port", "0")
        self.url = self._told(log, r"Starting Spark master at (spark://\S+)")
        self.page = self._told(log, r"MasterWebUI to \S+ and started at (http://\S+)")
        for number in range(workers):
            work = self.folder / f"work-{number}"
            words = ["-c", str(cores), "-m", memory, "-d", str(work), "--port", "0", "--webui-port", "0"]
            self._spawn("worker.Worker", *words, self.url)
        wait_for("all workers", lambda: self.state()["aliveworkers"] == workers, START_TIMEOUT)

    def _spawn(self, name: str, *words: str) -> Path:
        log = self.folder / f"{name}-{len(self.servers)}.log"
        spark_class = str(self.runtime.spark_home / "bin" / "spark-class")
        command = [spark_class, f"org.apache.spark.deploy.{name}", "--host", "127.0.0.1", *words]
        daemon = {"SPARK_DAEMON_MEMORY": "192m", "SPARK_DAEMON_JAVA_OPTS": "-XX:+UseSerialGC"}
        java = {"JAVA_HOME": str(self.runtime.java_home), "SPARK_LOCAL_IP": "127.0.0.1"}
        with log.open("wb") as output:
            server = subprocess.Popen(
                command,
                env={**inherited(), **java, **daemon},
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.servers.append(server)
        return log

    def _told(self, log: Path, pattern: str) -> str:
        found = wait_for(pattern, lambda: re.search(pattern, log.read_text(errors="replace")), START_TIMEOUT)
        return str(found[1])

    def state(self) -> dict[str, Any]:
        """What the master says of its workers and applications."""
        with requests.Session() as session:
            session.trust_env = False
            answer = session.get(f"{self.page}/json/", timeout=10)
        answer.raise_for_status()
        return dict(answer.json())

    def executors(self) -> list[psutil.Process]:
        """The executors' processes."""
        children = [child for server in self.servers for child in psutil.Process(server.pid).children()]
        return [child for child in children if _is_executor(child)]

    def kill_executor(self, id: str) -> None:
        """Kill the executor with this id of Spark's."""
        for process in self.executors():
            words = process.cmdline()
            if words[words.index("--executor-id") + 1] == id:
                process.kill()
                return
        raise LookupError(id)

    def stop(self) -> None:
        """End every process of the cluster, the executors too."""
        executors = self.executors()
        processes.end([psutil.Process(server.pid) for server in self.servers], grace=5)
        processes.end(executors, grace=5)
        for server in self.servers:
            server.wait()


def _is_executor(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        return "org.apache.spark.executor.CoarseGrainedExecutorBackend" in process.cmdline()
    return False


@contextlib.contextmanager
def standalone_cluster(
    runtime: Runtime, folder: Path, *, workers: int = 2, cores: int = 2, memory: str = "640m"
) -> Iterator[Cluster]:
    """A cluster of this runtime's Spark, stopped at the end of the block."""
    cluster = Cluster(runtime, folder)
    try:
        cluster.start(workers, cores, memory)
        yield cluster
    finally:
        cluster.stop()
