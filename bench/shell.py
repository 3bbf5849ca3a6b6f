"""A Spark shell that takes a note's paragraphs one by one, each as a whole, as Zeppelin's interpreter does."""

import os
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from provision.embedded.runtime import Runtime
from provision.errors import ProvisionError

HEAP = "4g"
"""The same for every side."""

_MODULES = "java.lang java.lang.invoke java.lang.reflect java.io java.net java.nio java.util java.util.concurrent"
_OPENS = [f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in (_MODULES + " sun.nio.ch sun.util.calendar").split()]
_WRONG = re.compile(r"^\S+:\d+: error: |^(\S+\.)+\w*(Exception|Error)\b|^error: ")
_SAY = r'object Bench { def say(line: String): Unit = System.out.println("\nBENCH " + line) }'
_TOLD = re.compile(r"BENCH (\w+) ?(.*)")


class ShellError(ProvisionError):
    """Spark's shell rejected a paragraph, or ended."""

    kind = "shell"


class NotInTimeError(ShellError):
    """Something expected did not happen in time."""


class Side:
    """A process of a measured side. Lines that it prints as `BENCH WORD TEXT` are kept, in order, as (word, text)."""

    def __init__(self, command: Sequence[str | Path], folder: Path, environment: Mapping[str, str]) -> None:
        """Start it; all its files go under `folder`."""
        self._folder = folder
        self._told: list[tuple[str, str]] = []
        self._printed: list[str] = []
        self._news = threading.Condition()
        (folder / "tmp").mkdir(parents=True)
        self._log = (folder / "shell.log").open("wb")
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=dict(environment),
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout
        for raw in self._process.stdout:
            line = raw.decode(errors="replace").rstrip("\n")
            told = _TOLD.search(line)
            with self._news:
                self._told.append((told[1], told[2])) if told else self._printed.append(line)
                self._news.notify_all()
        with self._news:
            self._news.notify_all()

    def heard(self, word: str) -> list[str]:
        """The texts that came with `word` so far."""
        with self._news:
            return [text for each, text in self._told if each == word]

    def wait(self, true: Callable[[], bool], what: str, *, timeout: float) -> None:
        """Wait until `true()`, checked after each line of output; raises `NotInTimeError` after `timeout` seconds."""
        end = time.monotonic() + timeout
        with self._news:
            while not true():
                if self._process.poll() is not None:
                    raise ShellError(f"Spark ended before {what}", next_step=f"see {self._log.name}")
                if time.monotonic() > end:
                    raise NotInTimeError(f"no {what} in {timeout:.0f} s", next_step=f"see {self._log.name}")
                self._news.wait(1)

    def tell(self, line: str) -> None:
        """Write one line to its standard input, without waiting."""
        assert self._process.stdin
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()

    def close(self) -> None:
        """End it, without waiting for its stream."""
        self._process.kill()
        self._process.wait()
        self._reader.join()
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.stdout.close()
        self._log.close()


class Script(Side):
    """A Python script that ends with its standard input."""

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(20)
        super().close()


@contextmanager
def script(
    command: Sequence[str | Path], folder: Path, environment: Mapping[str, str], *, timeout: float
) -> Iterator[Script]:
    """A script of a side whose stream runs, as it says within `timeout` seconds."""
    side = Script(command, folder, environment)
    try:
        side.wait(lambda: bool(side.heard("receiver")), "start of the stream", timeout=timeout)
        yield side
    finally:
        side.close()


class Shell(Side):
    """A Spark shell of its own; `Bench.say` prints a line that is kept."""

    def __init__(
        self, runtime: Runtime, folder: Path, properties: Mapping[str, str], *, master: str = "local[*]"
    ) -> None:
        """`properties` are Spark's; all files go under `folder`. Ready when this returns."""
        super().__init__(
            _command(runtime, folder, properties, master),
            folder,
            {**os.environ, "SPARK_HOME": str(runtime.spark_home), "SPARK_LOCAL_IP": "127.0.0.1"},
        )
        try:
            self.paste("bench", _SAY)
        except BaseException:
            self.close()
            raise

    def paste(self, name: str, text: str, *, timeout: float = 300) -> None:
        """Paste `text` and wait until it has run; raises `ShellError` with the first line of an error."""
        file = self._folder / f"{name}.scala"
        file.write_text(text + "\n", encoding="utf-8")
        before = len(self._printed)
        self.tell(f":paste {file}")
        self.tell(f'Bench.say("fed {name}")')
        self.wait(lambda: ("fed", name) in self._told, f"paragraph {name}", timeout=timeout)
        self._told.remove(("fed", name))
        wrong = next((line for line in self._printed[before:] if _WRONG.search(line)), None)
        if wrong:
            raise ShellError(f"paragraph {name}: {wrong}")
        del self._printed[:]


def _command(runtime: Runtime, folder: Path, properties: Mapping[str, str], master: str) -> list[str]:
    own = {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.local.dir": str(folder / "tmp"),
        "spark.ui.port": "0",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.sql.catalogImplementation": "in-memory",
    }
    settings = [word for name, value in {**own, **properties}.items() for word in ("--conf", f"{name}={value}")]
    java = [str(runtime.java), f"-Xmx{HEAP}", "-Xss4m", "-XX:+IgnoreUnrecognizedVMOptions", *_OPENS]
    java += ["-Dscala.usejavacp=true", f"-Djava.io.tmpdir={folder / 'tmp'}"]
    java += ["-cp", str(runtime.spark_home / "jars" / "*"), "org.apache.spark.deploy.SparkSubmit"]
    shell = ["--class", "org.apache.spark.repl.Main", "--name", "bench", "--master", master]
    return [*java, *shell, *settings, "spark-shell"]
