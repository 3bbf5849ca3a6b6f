"""The files of a folder, each there whole or not at all: on this machine's disk, or wherever Spark can write."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

_UNFINISHED = "."
"""What the name of a file begins with that is not finished; Spark and others that read a folder leave it out."""


class Files(Protocol):
    """Files by their names below a folder, such as `day=2026-11-26/rows.csv`."""

    def names(self) -> list[str]:
        """All of them, in order; what an earlier process has not finished is gone afterwards."""

    def size(self, name: str) -> int:
        """In bytes."""

    def read(self, name: str) -> bytes: ...

    def write(self, name: str, data: bytes) -> None:
        """Make it have these bytes, in one step for whoever reads it."""

    def remove(self, name: str) -> None: ...


class LocalFiles:
    """A folder on this machine."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)

    def names(self) -> list[str]:
        found = [path for path in self._folder.rglob("*") if path.is_file()]
        for path in found:
            if path.name.startswith(_UNFINISHED):
                path.unlink()
        return sorted(
            path.relative_to(self._folder).as_posix() for path in found if not path.name.startswith(_UNFINISHED)
        )

    def size(self, name: str) -> int:
        return (self._folder / name).stat().st_size

    def read(self, name: str) -> bytes:
        return (self._folder / name).read_bytes()

    def write(self, name: str, data: bytes) -> None:
        path = self._folder / name
        unfinished = path.with_name(f"{_UNFINISHED}{path.name}")
        if not path.parent.is_dir():
            path.parent.mkdir(parents=True)
        with open(unfinished, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)

    def remove(self, name: str) -> None:
        path = self._folder / name
        path.unlink()
        with suppress(OSError):  # others are in it
            if path.parent != self._folder:
                path.parent.rmdir()


class HadoopFiles:
    """A folder of a file system that Spark knows: hdfs://…, s3a://…"""

    def __init__(self, spark: Any, url: str) -> None:
        self._jvm, self._gateway = spark._jvm, spark.sparkContext._gateway
        self._folder = self._jvm.org.apache.hadoop.fs.Path(url)
        configuration = spark.sparkContext._jsc.hadoopConfiguration()
        self._system = self._folder.getFileSystem(configuration)
        self._context = self._jvm.org.apache.hadoop.fs.FileContext.getFileContext(self._folder.toUri(), configuration)

    def _path(self, name: str) -> Any:
        return self._jvm.org.apache.hadoop.fs.Path(self._folder, name)

    def names(self) -> list[str]:
        if not self._system.exists(self._folder):
            return []
        root = self._system.makeQualified(self._folder).toString().rstrip("/") + "/"
        found, listed = [], self._system.listFiles(self._folder, True)
        while listed.hasNext():
            path = listed.next().getPath()
            if path.getName().startswith(_UNFINISHED):
                self._system.delete(path, False)
            else:
                found.append(path.toString()[len(root) :])
        return sorted(found)

    def size(self, name: str) -> int:
        return int(self._system.getFileStatus(self._path(name)).getLen())

    def read(self, name: str) -> bytes:
        stream = self._system.open(self._path(name))
        try:
            return bytes(self._jvm.org.apache.commons.io.IOUtils.toByteArray(stream))
        finally:
            stream.close()

    def write(self, name: str, data: bytes) -> None:
        path = self._path(name)
        unfinished = self._jvm.org.apache.hadoop.fs.Path(path.getParent(), f"{_UNFINISHED}{path.getName()}")
        stream = self._system.create(unfinished, True)
        try:
            stream.write(bytearray(data))
        finally:
            stream.close()
        rename = getattr(self._jvm.org.apache.hadoop.fs, "Options$Rename")
        options = self._gateway.new_array(rename, 1)
        options[0] = rename.OVERWRITE
        self._context.rename(unfinished, path, options)

    def remove(self, name: str) -> None:
        self._system.delete(self._path(name), False)


def files_in(folder: str) -> Files:
    """The files of a folder: an absolute path of this machine's, or a URL, for which Spark has to run."""
    if folder.startswith("/"):
        return LocalFiles(folder)
    from pyspark.sql import SparkSession

    spark = SparkSession.getActiveSession() or SparkSession.builder.getOrCreate()
    return HadoopFiles(spark, folder)
