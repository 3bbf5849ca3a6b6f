"""What is wrong with a bundle's `note.toml`: the first mistake, or all of them, each with its line."""

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from provision.errors import UsageError, nearest
from provision.toml_lines import TomlLines


class Checks:
    """Checks of one file; `found` takes the errors in place of raising the first."""

    def __init__(self, file: Path, lines: TomlLines, found: list[UsageError] | None = None) -> None:
        self.found = found
        self._file, self._lines = file, lines

    @contextmanager
    def at(self, *path: str | int) -> Iterator[None]:
        """Check the entry there: an error of the block is one of this file, in this line."""
        try:
            yield
        except KeyError as error:
            self._add(UsageError(f"no {error.args[0]} in it", next_step="add it"), path)
        except UsageError as error:
            self._add(error, path)
        except (AttributeError, TypeError, ValueError) as error:
            self._add(UsageError(str(error), next_step="fix that file"), path)

    def _add(self, error: UsageError, path: tuple[str | int, ...]) -> None:
        if not error.message.startswith(str(self._file.parent)):  # a template's, with a line of its own
            line = self._lines.of(*path)
            where = f"{self._file}:{line}" if line else str(self._file)
            error = UsageError(f"{where}: {error.message}", next_step=error.next_step)
        if self.found is None:
            raise error
        self.found.append(error)


def check_entries(what: str, names: Iterable[str], known: Collection[str]) -> None:
    """Raise UsageError for the name of an entry that is none of those `known`; `what` has it."""
    for name in names:
        if name not in known:
            raise UsageError(
                f"{what}unknown entry {name!r}", next_step=nearest(name, known, f"there are {', '.join(known)}")
            )
