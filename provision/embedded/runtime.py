"""The Zeppelin, Spark and Java that a stack runs on, installed when missing."""

from dataclasses import dataclass
from pathlib import Path

from provision.console import Console
from provision.embedded import distribution, install, web_pages
from provision.errors import UsageError

_OLD = ("spark-3.1.3", "jre-11")
"""Too old for a Python of today."""


@dataclass(frozen=True)
class Choice:
    """The choice of `--zeppelin-home`, of `--zeppelin-version`, or of `--zeppelin-archive` with `--sha512`.

    Empty for the embedded one.
    """

    home: str | None = None
    archive: str | None = None
    sha512: str | None = None
    version: str | None = None

    def check(self) -> None:
        """Raise `UsageError` for options that exclude or need each other."""
        options = {"home": self.home, "archive": self.archive, "version": self.version}
        given = [f"--zeppelin-{name}" for name, value in options.items() if value]
        if len(given) > 1:
            raise UsageError(f"{' and '.join(given)} exclude each other", next_step="give one")
        if self.version:
            distribution.check_version(self.version)
        if bool(self.archive) != bool(self.sha512):
            raise UsageError("--zeppelin-archive and --sha512 go together", next_step="give both")
        if self.sha512:
            distribution.check_sha512(self.sha512)

    def is_met_by(self, home: Path) -> bool:
        """Whether a stack that runs the Zeppelin in `home` is the one chosen; without a choice, any is."""
        if self.version:
            return distribution.is_version(home, self.version)
        if self.sha512:
            return home.is_relative_to(distribution.archive_dir(distribution.check_sha512(self.sha512)))
        return self.home is None or home == Path(self.home).expanduser().absolute()


@dataclass(frozen=True)
class Runtime:
    """A Zeppelin distribution with the Spark, the Java and the MQTT client that fit it."""

    zeppelin_home: Path
    spark_home: Path
    java_home: Path
    paho_jar: Path

    @property
    def java(self) -> Path:
        return self.java_home / "bin" / "java"

    @property
    def wars(self) -> dict[str, Path]:
        """The distribution's web pages, by the property that names each; empty when it has none."""
        patterns = {"zeppelin.war": "zeppelin-web-[0-9]*.war", "zeppelin.angular.war": "zeppelin-web-angular*.war"}
        found = {name: sorted(self.zeppelin_home.glob(f"**/{pattern}")) for name, pattern in patterns.items()}
        return {name: paths[0] for name, paths in found.items() if paths}


def install_runtime(choice: Choice, console: Console) -> Runtime:
    """Install what is missing and return where everything is."""
    choice.check()
    home = _distribution(choice, console)
    spark, java = _OLD if home is None else _fitting(home)
    spark_home = (install.install_spark if spark == _OLD[0] else install.install_pyspark)(spark, console)
    java_home = install.install_jre(java, console)
    paho_jar = install.install_mqtt(spark_home, console)
    if home is None:
        home = install.install_zeppelin("zeppelin-0.10.0", spark_home, console)
        web_pages.install(home, "0.10.0", spark_home, console)
    return Runtime(home, spark_home, java_home, paho_jar)


def _distribution(choice: Choice, console: Console) -> Path | None:
    if choice.archive and choice.sha512:
        return distribution.install_archive(choice.archive, choice.sha512, console)
    if choice.version:
        return distribution.install_version(choice.version, console)
    return distribution.named_home(choice.home) if choice.home else None


def _fitting(home: Path) -> tuple[str, str]:
    """The Spark and JRE components for a distribution's version (Zeppelin's supported Spark versions)."""
    version = distribution.zeppelin_version(home, str(home))
    return _OLD if version < (0, 11) else ("spark-3.5.7", "jre-17")
