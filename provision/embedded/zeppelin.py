"""One Zeppelin server process: its folders and configuration, its command, its environment."""

import os
import shutil
import subprocess
from base64 import b64encode
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from secrets import token_bytes
from xml.sax.saxutils import escape

from provision.embedded import processes
from provision.embedded.environment import inherited
from provision.embedded.loopback import LoopbackJars
from provision.embedded.ports import LOOPBACK
from provision.embedded.processes import MARK
from provision.embedded.python import pyspark_launcher, python_environment
from provision.embedded.runtime import Runtime
from provision.embedded.trust import trust_options
from provision.errors import UsageError
from provision.home import private_dir, write_private

SERVER_MEMORY = "-Xmx512m"
STACK_SIZE = "-Xss4m"  # of an interpreter's threads: Scala's shell nests all that was ever typed into it
_UNFIT = set(":;,%#?|&<>*[]{}^`'\"\\$!")


@dataclass(frozen=True)
class Folders:
    """Where one server keeps what it writes. The distribution itself is never written to."""

    root: Path

    @property
    def conf(self) -> Path:
        return self.root / "conf"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def log(self) -> Path:
        """The server's log, started afresh by each server."""
        return self.logs / "zeppelin.log"

    @property
    def output(self) -> Path:
        """What the process prints; here Java says why it did not start."""
        return self.logs / "zeppelin.out"

    @property
    def trust_store(self) -> Path:
        """Certificate authorities, where Java needs its own file of them."""
        return self.conf / "truststore.jks"

    @property
    def python(self) -> Path:
        """The `python` of Spark's paragraphs."""
        return self.conf / "python"

    @property
    def notebook(self) -> Path:
        return self.root / "notebook"

    @property
    def temporary(self) -> Path:
        """Temporary files of the server and its interpreters; Spark's shell leaves class files of all texts here."""
        return self.root / "tmp"

    @property
    def work(self) -> Path:
        """The server's and its interpreters' current folder."""
        return self.root / "work"


def check_folder(path: Path) -> None:
    """Raise `UsageError` for a folder that Zeppelin and Spark can't run in: they take its path for a URI, a class
    path, and words of a command.
    """
    bad = sorted({character for character in str(path) if character in _UNFIT or character.isspace()})
    if bad:
        raise UsageError(
            f"{path}: Zeppelin can't run in a folder with {bad[0]!r} in its name",
            next_step="set PROVISION_HOME to a folder without such characters",
        )


def configure(runtime: Runtime, folders: Folders, port: int) -> None:
    """Write the configuration of a server on `port` of the loopback address, 0600 in 0700 folders."""
    forget_temporary(folders)
    for folder in (folders.root, folders.conf, folders.logs, folders.notebook, folders.temporary, folders.work):
        private_dir(folder)
    _forget_other_spark(folders.conf / "interpreter.json", runtime)
    if folders.log.exists():
        folders.log.replace(folders.logs / "zeppelin.previous.log")
    log4j = folders.conf / "log4j.properties"
    log4j.write_text(files("provision.embedded").joinpath("log4j.properties").read_text())
    for shipped in runtime.zeppelin_home.glob("conf/log4j2*.properties"):
        shutil.copy(shipped, folders.conf)
    write_private(folders.python, pyspark_launcher())
    folders.python.chmod(0o700)
    write_private(folders.conf / "zeppelin-site.xml", _site_xml(_properties(runtime, folders, port)))


def _forget_other_spark(settings: Path, runtime: Runtime) -> None:
    """Zeppelin copies SPARK_HOME into its settings once. Settings of another Spark are deleted; a person's own stay."""
    if settings.is_file() and str(runtime.spark_home) not in settings.read_text(encoding="utf-8"):
        settings.unlink()


def _properties(runtime: Runtime, folders: Folders, port: int) -> dict[str, str]:
    empty = private_dir(folders.root / "no-web-page")
    wars = runtime.wars
    return {
        "zeppelin.server.addr": LOOPBACK,
        "zeppelin.server.port": str(port),
        "zeppelin.server.allowed.origins": f"http://{LOOPBACK}:{port},http://localhost:{port}",
        "zeppelin.war": str(wars.get("zeppelin.war", empty)),
        "zeppelin.angular.war": str(wars.get("zeppelin.angular.war", empty)),
        "zeppelin.war.tempdir": str(folders.root / "webapps"),
        "zeppelin.notebook.dir": str(folders.notebook),
        "zeppelin.interpreter.localRepo": str(folders.root / "local-repo"),
        "zeppelin.dep.localrepo": str(folders.root / "local-repo"),
        "zeppelin.recovery.dir": str(folders.root / "recovery"),
        "zeppelin.search.index.path": str(folders.root / "search"),
        "zeppelin.helium.registry": "helium",  # the default one asks an address outside at every start
        "zeppelin.credentials.encryptKey": _encrypt_key(folders),
        "zeppelin.interpreter.connect.timeout": "120000",
    }


def _encrypt_key(folders: Folders) -> str:
    """The key of the credential store, created once so that a restarted server can read it."""
    path = folders.conf / "credentials.key"
    if not path.exists():
        write_private(path, b64encode(token_bytes(12)).decode())  # AES-128 takes the 16 characters themselves
    return path.read_text()


def _site_xml(properties: dict[str, str]) -> str:
    entries = "".join(
        f"  <property><name>{name}</name><value>{escape(value)}</value></property>\n"
        for name, value in properties.items()
    )
    return f'<?xml version="1.0"?>\n<configuration>\n{entries}</configuration>\n'


def environment(runtime: Runtime, folders: Folders, loopback: LoopbackJars, stack: str) -> dict[str, str]:
    """The server's environment, handed on to its interpreters; `stack` marks every process as this stack's."""
    home = str(runtime.zeppelin_home)
    return inherited() | {
        "ZEPPELIN_HOME": home,
        "ZEPPELIN_CONF_DIR": str(folders.conf),
        "ZEPPELIN_LOG_DIR": str(folders.logs),
        "ZEPPELIN_PID_DIR": str(folders.work),
        "ZEPPELIN_IDENT_STRING": "provision",  # without it the server reads standard input, and stops at its end
        "ZEPPELIN_LOCAL_IP": LOOPBACK,
        "ZEPPELIN_INTP_CLASSPATH_OVERRIDES": _class_path(*loopback.interpreters),
        "ZEPPELIN_INTERPRETER_REMOTE_RUNNER": str(runtime.zeppelin_home / "bin" / "interpreter.sh"),
        "ZEPPELIN_INTP_JAVA_OPTS": " ".join(
            [STACK_SIZE, *_temporary_options(folders), *trust_options(folders.trust_store)]
        ),
        "SPARK_HOME": str(runtime.spark_home),
        "SPARK_LOCAL_IP": LOOPBACK,
        "JAVA_HOME": str(runtime.java_home),
        "PYSPARK_PYTHON": str(folders.python),  # Zeppelin copies both into its settings, as it does SPARK_HOME
        "PYSPARK_DRIVER_PYTHON": str(folders.python),
        "USE_HADOOP": "false",
        **python_environment(),
        MARK: stack,
    }


def start(runtime: Runtime, folders: Folders, loopback: LoopbackJars, stack: str) -> subprocess.Popen[bytes]:
    """Start the server in its own session; its output goes to `folders.output`."""
    home = runtime.zeppelin_home
    class_path = _class_path(*loopback.server, folders.conf, home / "lib/*", home / "lib/interpreter/*", home / "*")
    command = [
        str(runtime.java_home / "bin" / "java"), SERVER_MEMORY, "-XX:+UseSerialGC", "-Dfile.encoding=UTF-8",
        f"-Dlog4j.configuration=file://{folders.conf}/log4j.properties",
        f"-Dlog4j.configurationFile=file://{folders.conf}/log4j2.properties",
        f"-Dzeppelin.log.file={folders.log}",
        *_temporary_options(folders), *trust_options(folders.trust_store),
        "-cp", class_path, "org.apache.zeppelin.server.ZeppelinServer",
    ]  # fmt: skip
    inherits = environment(runtime, folders, loopback, stack)
    return processes.start(command, inherits, log=folders.output, stack=stack, folder=folders.work)


def forget_temporary(folders: Folders) -> None:
    """Delete the temporary files of a server that has ended."""
    shutil.rmtree(folders.temporary, ignore_errors=True)


def _temporary_options(folders: Folders) -> list[str]:
    return [f"-Djava.io.tmpdir={folders.temporary}"]


def _class_path(*entries: Path) -> str:
    return os.pathsep.join(map(str, entries))
