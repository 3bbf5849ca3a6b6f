"""Keeps Zeppelin's Thrift ports on the loopback address: the server's callback port and each interpreter's RPC port.

Both are opened by Thrift's `TServerSocket(port)`, on all interfaces and without a login, whatever `ZEPPELIN_LOCAL_IP`
says (RemoteInterpreterEventServer, RemoteInterpreterServer). A class of the same name comes first on their class paths.
"""

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from provision.console import Console
from provision.embedded.runtime import Runtime
from provision.errors import ProvisionError
from provision.home import cache_dir
from provision.locks import one_at_a_time
from provision.scala_compiler import compile_jar

_SHADED = "org.apache.zeppelin.shaded.org.apache.thrift"
_PLAIN = "org.apache.thrift"


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
    interpreters = _jar(_SHADED, shaded, runtime, console)
    server = (interpreters,) if plain is None else (interpreters, _jar(_PLAIN, plain, runtime, console))
    return LoopbackJars(server, (interpreters,))


def _jar(package: str, thrift: Path, runtime: Runtime, console: Console) -> Path:
    source = files("provision.embedded").joinpath("TServerSocket.scala").read_text(encoding="utf-8")
    source = source.replace(_SHADED, package)
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
