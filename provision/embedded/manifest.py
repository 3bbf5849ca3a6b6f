"""The pins of `manifest.toml`, as data."""

import hashlib
import json
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from provision.errors import ProvisionError


@dataclass(frozen=True)
class MavenJar:
    """One jar: `coordinate` is group:artifact:version[:classifier], `folder` where it goes in its component."""

    coordinate: str
    size: int
    sha256: str
    folder: str

    @property
    def file_name(self) -> str:
        _group, artifact, version, *classifier = self.coordinate.split(":")
        return "-".join([artifact, version, *classifier]) + ".jar"

    @property
    def path(self) -> str:
        """Its path in a Maven repository."""
        group, artifact, version, *_ = self.coordinate.split(":")
        return f"{group.replace('.', '/')}/{artifact}/{version}/{self.file_name}"


@dataclass(frozen=True)
class PypiFile:
    """One file of a release on PyPI: a wheel for a platform, or a source distribution."""

    name: str
    version: str
    file_name: str
    size: int
    sha256: str

    @property
    def is_wheel(self) -> bool:
        return self.file_name.endswith(".whl")


@dataclass(frozen=True)
class PackagedFile:
    """A file that comes with this package; `path` is where it goes in its component."""

    name: str
    path: str
    content: bytes = field(repr=False)

    @property
    def is_program(self) -> bool:
        return self.name.endswith(".sh")


@dataclass(frozen=True)
class Component:
    """The content of one installed folder: a PyPI release (one of its `releases` fits this platform), or jars.

    `packaged` files are added to it.
    """

    name: str
    jars: tuple[MavenJar, ...] = ()
    releases: tuple[PypiFile, ...] = ()
    packaged: tuple[PackagedFile, ...] = ()

    @property
    def digest(self) -> str:
        """Changes when any pin of the component does, or the content of a packaged file."""
        pins = [[jar.folder, jar.coordinate, jar.sha256] for jar in self.jars]
        pins += [[release.file_name, release.sha256] for release in self.releases]
        pins += [[file.path, hashlib.sha256(file.content).hexdigest()] for file in self.packaged]
        return hashlib.sha256(json.dumps(pins).encode()).hexdigest()[:12]


@cache
def _tables() -> dict[str, Any]:
    return tomllib.loads(files("provision.embedded").joinpath("manifest.toml").read_text())


def component_names() -> list[str]:
    """The names of all components, in the manifest's order."""
    return list(dict.fromkeys(table["component"] for kind in _tables().values() for table in kind))


def component(name: str) -> Component:
    """The component of that name; raises `ProvisionError` when the manifest has none."""
    jars = [
        MavenJar(coordinate, size, sha256, table["folder"])
        for table in _tables()["maven"]
        if table["component"] == name
        for coordinate, size, sha256 in table["artifacts"]
    ]
    releases = [
        PypiFile(table["name"], table["version"], file_name, size, sha256)
        for table in _tables()["pypi"]
        if table["component"] == name
        for file_name, size, sha256 in table["files"]
    ]
    packaged = [
        PackagedFile(file_name, path, files("provision.embedded").joinpath(file_name).read_bytes())
        for table in _tables()["packaged"]
        if table["component"] == name
        for file_name, path in table["files"]
    ]
    if not jars and not releases:
        raise ProvisionError(f"the manifest of the embedded stack has no component {name!r}")
    return Component(name, tuple(jars), tuple(releases), tuple(packaged))


def release_for(component: Component, tags: Sequence[str]) -> PypiFile:
    """The component's file for a machine with these wheel `tags` (best first; a source distribution fits all).

    Raises `ProvisionError` when there is none.
    """
    for release in component.releases:
        if not release.is_wheel:
            return release
    for tag in tags:
        for release in component.releases:
            if release.file_name.removesuffix(".whl").endswith(f"-{tag}"):
                return release
    raise ProvisionError(
        f"{component.name} is not published for this platform ({tags[0] if tags else 'unknown'})",
        next_step="use a Zeppelin server of your own: --zeppelin URL",
    )
