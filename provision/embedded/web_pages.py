"""Zeppelin's own web pages for the embedded server: Maven artifacts, which not every registry has."""

from pathlib import Path

from provision.console import Console
from provision.embedded import disk, download, maven
from provision.errors import ProvisionError

PAGES = ("zeppelin-web", "zeppelin-web-angular")
"""The artifacts, of which the first is what a browser gets; the second is its successor, below /next."""
_ALGORITHMS = ("sha512", "sha256", "sha1")
"""What a repository may publish, the strongest first. Maven Central has SHA-1 of everything, the others of some."""


def install(home: Path, version: str, spark_home: Path, console: Console) -> None:
    """Put the pages of this version beside the server in `home`, where the repository in use has them.

    Whether it has is found out once for each repository, and told once where it has not. No page is no error: what
    goes wrong is told, and tried again the next time.
    """
    folder = home / "war"
    absent = folder / "absent"
    try:
        repository = maven.repository(spark_home).rstrip("/")
        shown = download.shown_url(repository)
        if (folder / f"{PAGES[0]}-{version}.war").is_file() or (absent.is_file() and absent.read_text() == shown):
            return
        folder.mkdir(exist_ok=True)
        has = [_install(folder, artifact, version, repository, console) for artifact in PAGES]
        if any(has):
            absent.unlink(missing_ok=True)
            return
        absent.write_text(shown)
        console.say(f"{shown} does not have Zeppelin's own web page, version {version}: it goes on without")
    except ProvisionError as error:
        console.say(f"without Zeppelin's own web page: {error.message}", style="yellow")


def _install(folder: Path, artifact: str, version: str, repository: str, console: Console) -> bool:
    """Whether the repository has it; then it is there, checked against the checksum that is published."""
    name = f"{artifact}-{version}.war"
    url = f"{repository}/org/apache/zeppelin/{artifact}/{version}/{name}"
    published = download.published_digest(url, _ALGORITHMS, tries=1)
    if published is None:
        return False
    algorithm, digest = published
    with disk.full_disk_reported(folder), console.progress(unit="bytes") as progress:
        task = progress.add_task(f"downloading {name}", total=None)
        download.download_archive(url, folder / name, digest, lambda n: progress.advance(task, n), algorithm=algorithm)
    return True
