"""Keeps Zeppelin's Thrift ports on the loopback address: the server's callback port and each interpreter's RPC port.

Both are opened by Thrift's `TServerSocket(port)`, on all interfaces and without a login, whatever `ZEPPELIN_LOCAL_IP`
says (RemoteInterpreterEventServer, RemoteInterpreterServer). A class of the same name comes first on their class paths.
"""

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from provision.console import Console
from provision.embedded.runtime import Runtime
from provision.errors import ProvisionError
from provision.home import cache_dir
from provision.locks import one_at_a_time
from provision.scala_compiler import compile_jar

_SOURCE_PACKAGE = "org.apache.zeppelin.shaded.org.apache.thrift.transport"
_CLASS = "org/apache/thrift/transport/TServerSocket.class"


@dataclass(frozen=True)
class LoopbackJars:
    """What comes first on class paths: `server` for Zeppelin's server, `interpreters` for its interpreters.

    An interpreter gets Zeppelin's shaded Thrift only: Spark has a plain one of its own.
    """

    server: tuple[Path, ...]
    interpreters: tuple[Path, ...]


def loopback_jars(runtime: Runtime, console: Console) -> LoopbackJars:
    """The jars for a Zeppelin distribution, compiled on first use and cached.

    Raises: CompileError; ProvisionError for a distribution whose Thrift is not found: it is not started.
    """
    home = runtime.zeppelin_home
    shaded = next(iter(sorted(home.glob("**/zeppelin-interpreter-shaded-*.jar"))), None)
    if shaded is None:
        raise ProvisionError(
            f"{home}: no zeppelin-interpreter-shaded jar: its ports can't be kept on the loopback address",
            next_step="give a whole distribution, 0.10 to 0.12",
        )
    plain = next(iter(sorted(home.glob("lib/libthrift-*.jar"))), None)
    interpreters = _jar(shaded, runtime, console)
    server = (interpreters,) if plain is None else (interpreters, _jar(plain, runtime, console))
    return LoopbackJars(server, (interpreters,))


def _package(thrift: Path) -> str:
    """The package of the TServerSocket in a jar; its prefix in the shaded one differs between Zeppelin's versions."""
    try:
        with ZipFile(thrift) as jar:
            name = next((name for name in jar.namelist() if f"/{name}".endswith(f"/{_CLASS}")), None)
    except (OSError, BadZipFile) as error:
        raise ProvisionError(f"{thrift}: no jar ({error})", next_step="give a whole distribution") from error
    if name is None:
        raise ProvisionError(
            f"{thrift}: no Thrift in it: Zeppelin's ports can't be kept on the loopback address",
            next_step="start that server yourself and name it with --zeppelin URL",
        )
    return name.rpartition("/")[0].replace("/", ".")


def _jar(thrift: Path, runtime: Runtime, console: Console) -> Path:
    source = files("provision.embedded").joinpath("TServerSocket.scala").read_text(encoding="utf-8")
    source = source.replace(_SOURCE_PACKAGE, _package(thrift))
    made_of = f"{source}\0{thrift.name}\0{runtime.spark_home.name}"
    folder = cache_dir() / "jars"
    folder.mkdir(parents=True, exist_ok=True)
    jar = folder / f"zeppelin-loopback-{hashlib.sha256(made_of.encode()).hexdigest()[:12]}.jar"
    with one_at_a_time(folder / "zeppelin-loopback.lock", lambda: console.say("waiting for another compiler …")):
        if not jar.exists():
            with console.step("compiling what keeps Zeppelin on the loopback address"):
                compile_jar(
                    {"TServerSocket.scala": source},
                    jar,
                    what="Zeppelin on the loopback address",
                    spark_home=runtime.spark_home,
                    java=runtime.java,
                    class_path=[thrift],
                )
    return jar
