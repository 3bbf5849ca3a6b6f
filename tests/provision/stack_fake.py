"""An installed stack whose Java is a small program: everything else of `provision up` is real."""

import stat
import sys
from pathlib import Path
from zipfile import ZipFile

import psutil

from provision.embedded.install import install_dir
from provision.embedded.manifest import component

FAKE_JAVA = """#!{python}
import os, re, subprocess, sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

if "scala.tools.nsc.Main" in sys.argv:
    Path(sys.argv[sys.argv.index("-d") + 1]).write_bytes(b"jar")
    sys.exit(0)
here = Path(__file__).parent
how = (here / "how").read_text()
if how == "die":
    print("Error: Could not create the Java Virtual Machine.", flush=True)
    sys.exit(1)
subprocess.Popen(["sleep", "300"], start_new_session=True)  # an interpreter
(here / "begun").touch()
if how == "silent":
    time.sleep(300)

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        body = b'{{"status": "OK", "message": "", "body": {{"version": "0.10.0"}}}}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass

site = Path(os.environ["ZEPPELIN_CONF_DIR"], "zeppelin-site.xml").read_text()
port = int(re.search("zeppelin.server.port</name><value>([0-9]+)", site)[1])
HTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""


class FakeInstall:
    """The folders of an installed stack under the `PROVISION_HOME` that is set."""

    def __init__(self) -> None:
        self.java_home = install_dir(component("jre-11"))
        for name in ("spark-3.1.3", "jre-11", "mqtt", "zeppelin-0.10.0"):
            (install_dir(component(name)) / "bin").mkdir(parents=True)
        shaded = install_dir(component("zeppelin-0.10.0")) / "interpreter" / "zeppelin-interpreter-shaded-0.10.1.jar"
        shaded.parent.mkdir()
        with ZipFile(shaded, "w") as jar:
            jar.writestr("shaded/org/apache/thrift/transport/TServerSocket.class", "")
        java = self.java_home / "bin" / "java"
        java.write_text(FAKE_JAVA.format(python=sys.executable))
        java.chmod(java.stat().st_mode | stat.S_IXUSR)
        self.behave("serve")

    def behave(self, how: str) -> None:
        """`serve`, `die` at once, or be `silent`."""
        (self.java_home / "bin" / "how").write_text(how)

    @property
    def begun(self) -> bool:
        return (self.java_home / "bin" / "begun").exists()


def processes_of(home: Path) -> list[psutil.Process]:
    """Every other process that was started with this `PROVISION_HOME` somewhere in its environment."""
    found = []
    for process in psutil.process_iter():
        try:
            values = process.environ().values()
        except psutil.Error:
            continue
        if process != psutil.Process() and any(str(home) in value for value in values):
            found.append(process)
    return found
