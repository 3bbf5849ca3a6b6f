"""A real Mosquitto beside the stack: TLS with an authority of its own, a user and a password, on loopback."""

import contextlib
import getpass
import secrets
import shutil
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

from provision.embedded import processes
from provision.embedded.environment import inherited
from provision.embedded.ports import LOOPBACK
from provision.embedded.record import Stack
from provision.errors import ProvisionError, UsageError
from provision.home import private_dir, state_dir, write_private
from provision.waiting import wait_until

READY_TIMEOUT = 60.0  # seconds
USER = "demo"
_SYSTEM = "/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin"  # where distributions have servers, and PATH may not look
_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
_CONFIG = """\
listener {port} {host}
allow_anonymous false
password_file {folder}/users
cafile {folder}/ca.pem
certfile {folder}/server.pem
keyfile {folder}/server.key
user {user}
"""


@dataclass(frozen=True)
class OwnBroker:
    """A running one; `credentials` is a file, 0600, for `--credentials-file`."""

    process: subprocess.Popen[bytes]
    credentials: Path

    def stop(self) -> None:
        """End it; the stack's own end does so too."""
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(10)


def check_installed() -> None:
    """Raise `UsageError` for a program that a broker of one's own needs and that is not installed."""
    for program in ("mosquitto", "mosquitto_passwd", "openssl"):
        if find_program(program) is None:
            package = "openssl" if program == "openssl" else "mosquitto"
            raise UsageError(
                f"a broker of your own for the demo needs {program}, which is not on the PATH",
                next_step=f"install the distribution's package {package}, such as: apt install {package}",
            )


def start(stack: Stack) -> OwnBroker:
    """Start it, marked as the stack's; returns once it listens. Raises `UsageError`, `ProvisionError`."""
    check_installed()
    folder = private_dir(state_dir() / "mosquitto")
    _certificates(folder)
    credentials = _user(folder)
    with socket.create_server((LOOPBACK, 0)) as free:
        port = free.getsockname()[1]
    config = folder / "mosquitto.conf"
    write_private(config, _CONFIG.format(port=port, host=LOOPBACK, folder=folder, user=getpass.getuser()))
    _write_credentials(credentials, f"mqtts://{LOOPBACK}:{port}")
    log = stack.logs / "mosquitto.log"
    process = processes.start([_program("mosquitto"), "-c", str(config)], inherited(), log=log, stack=stack.mark)
    wait_until(lambda: _listens(port) or process.poll() is not None, READY_TIMEOUT)
    if process.poll() is not None or not _listens(port):
        process.terminate()
        raise ProvisionError("Mosquitto did not start", next_step=f"see {log}")
    return OwnBroker(process, credentials)


def find_program(program: str) -> str | None:
    """Where a program of the distribution is, on the PATH or beside it; None for nowhere."""
    return shutil.which(program) or shutil.which(program, path=_SYSTEM)


def _program(name: str) -> str:
    return find_program(name) or name


def _certificates(folder: Path) -> None:
    """An authority, and a certificate for this machine's loopback address that it has signed; made once a start."""
    authority = ("-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign")
    made = ("-keyout", "ca.key", "-out", "ca.pem", "-days", "30", "-subj", "/CN=netpie-zeppelin demo")
    _run(folder, "openssl", "req", "-x509", *_KEY, *made, *authority)
    _run(folder, "openssl", "req", *_KEY, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=broker")
    (folder / "names.cnf").write_text(f"subjectAltName=IP:{LOOPBACK}\nextendedKeyUsage=serverAuth\n")
    signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "30", "-extfile", "names.cnf")
    _run(folder, "openssl", "x509", "-req", "-in", "server.csr", *signed, "-out", "server.pem")
    for name in ("ca.key", "server.key"):
        (folder / name).chmod(0o600)


def _user(folder: Path) -> Path:
    """The file that is to have the user's login; Mosquitto's own file of users is made of it."""
    password = secrets.token_urlsafe(18)
    write_private(folder / "users", f"{USER}:{password}\n")
    _run(folder, "mosquitto_passwd", "-U", "users")  # takes the password from the file, not from the command line
    (folder / "users").chmod(0o600)
    credentials = folder / "broker.env"
    write_private(credentials, f"username={USER}\npassword={password}\nca=ca.pem\n")
    return credentials


def _write_credentials(file: Path, url: str) -> None:
    write_private(file, f"broker={url}\n{file.read_text()}")


def _run(folder: Path, program: str, *arguments: str) -> None:
    done = subprocess.run([_program(program), *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ProvisionError(
            f"{program} failed: {(done.stderr.strip().splitlines() or [''])[-1]}",
            next_step=f"see whether {program} runs in {folder}",
        )


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError):
        socket.create_connection((LOOPBACK, port), 1).close()
        return True
    return False
