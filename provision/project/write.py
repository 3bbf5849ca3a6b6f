"""Writes a new project: all of it or nothing."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from provision.project.find import NAME

BUNDLE = "bundle"
"""The folder of a new project's bundle."""

TEXT = f"""\
# What the commands of `provision` take in this folder and below it. Every option can stand here, under its long name.
# The command line counts more, and the environment: `provision config` prints what is in force and where it is from.
# `provision validate` checks this file, the bundle, and the files that they name.

bundle = "./{BUNDLE}"

# Your Zeppelin. Without one it is the embedded server, which `provision up` starts, with an emulator of NETPIE.
# zeppelin = "http://HOST:8080"
# user = "NAME"

# Where secrets are; they themselves have no place here.
# credentials-file = "netpie.env"
# password-file = "zeppelin.password"

# Parameters of the bundle: {BUNDLE}/note.toml lists them.
[param]
topic = "metrics"

# What is other for a target: provision apply --target prod
# [targets.prod]
# zeppelin = "https://HOST/zeppelin"
# param = {{ window = 300 }}
"""
"""The file of a new project."""

IGNORED = "netpie.env\n*.password\nmicrogear-*.cache\n"
"""What git leaves out of a new project: the files in which secrets are."""


def write_project(folder: Path, bundle: Mapping[str, str]) -> list[Path]:
    """Write the project file, the bundle's files and, unless there is one, a .gitignore; returns what was written.

    A write that fails or is interrupted leaves nothing behind, not even the folder if it was not there.

    Raises: FileExistsError where a project or a bundle came into being meanwhile.
    """
    made = _make(folder)
    work = Path(tempfile.mkdtemp(prefix=".provision-init-", dir=folder))
    done: list[Path] = []
    try:
        (work / BUNDLE).mkdir()
        for name, text in bundle.items():
            _write(work / BUNDLE / name, text)
        for name, text in ((NAME, TEXT), (".gitignore", IGNORED)):
            _write(work / name, text)
        _take(work / BUNDLE, folder / BUNDLE, done)
        with suppress(FileExistsError):
            _take(work / ".gitignore", folder / ".gitignore", done)
        _take(work / NAME, folder / NAME, done)  # last: with it there is a project
    except BaseException:
        for each in reversed(done):
            shutil.rmtree(each) if each.is_dir() else each.unlink(missing_ok=True)
        shutil.rmtree(work, ignore_errors=True)
        for each in made:
            with suppress(OSError):
                each.rmdir()
        raise
    shutil.rmtree(work, ignore_errors=True)
    return [file for each in done for file in (sorted(each.iterdir()) if each.is_dir() else [each])]


def _make(folder: Path) -> list[Path]:
    """Make the folder and those above it; returns those that were not there, the innermost first."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return missing


def _write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8", newline="\n")


def _take(source: Path, target: Path, done: list[Path]) -> None:
    """Put a file or folder in its place; raises FileExistsError where something is."""
    if source.is_dir():
        target.mkdir()
        done.append(target)
        for each in source.iterdir():
            os.rename(each, target / each.name)
        return
    os.link(source, target)
    done.append(target)
