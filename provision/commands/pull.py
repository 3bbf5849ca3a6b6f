"""`provision pull`: brings hand edits back into a bundle's files."""

from pathlib import Path

import click
from rich.text import Text

from provision.bundles.bundle import Bundle, bundle_names, load_bundle
from provision.console import Console
from provision.errors import UsageError
from provision.options.output import json_option
from provision.options.server import ServerOptions, server_options
from provision.prepare import made_of
from provision.project.option import is_typed
from provision.sync.bundle_files import check_pulled, delete_unused, folder_diff, write_files
from provision.sync.diff import STYLES, verdict_line
from provision.sync.find_note import find_note
from provision.sync.known_secrets import secrets_of_note
from provision.sync.plan import Verdict
from provision.sync.provenance import origin
from provision.sync.pull import Pull, pulled_bundle_name
from provision.sync.pull import pull as pull_note
from zeppelin_sdk import Note


@click.command()
@click.argument("note")
@server_options
@click.option("--bundle", metavar="NAME|DIR", help="The bundle that the note was applied from.  [default: it tells]")
@click.option(
    "--into",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the files.  [default: the bundle's own if --bundle names a folder, else ./NAME]",
)
@click.option("--force", is_flag=True, help="Write into a folder that has files in it.")
@json_option
@click.pass_obj
def pull(
    console: Console, /, server: ServerOptions, note: str, bundle: str | None, into: Path | None, force: bool
) -> None:
    """Write what you have edited in a note into the files of its bundle, as templates.

    NOTE is its id, its path, or the end of its path. The parameters' places stay places; one whose value you have
    edited becomes plain text, and is told. Paragraphs that you added become the bundle's, those that you deleted
    leave it, titles, charts and the order come along. No secret is written. Applying the result changes nothing.

    A bundle that --bundle names by its folder is changed where it is, after a diff of it is shown.

    \b
    provision pull "MyApp metrics"
    provision pull "MyApp metrics" --bundle ./my-bundle
    """
    named = _named(bundle) if bundle is not None else ""
    if named:
        _target(named, into, force=force)
    with server.connect_running() as client:
        found = find_note(client, note)
        loaded, target, in_place = _target(named or _shipped(pulled_bundle_name(found)), into, force=force)
        if bundle is not None and not is_typed(click.get_current_context(), "bundle"):
            _check_made_of(found, loaded)
        made = made_of(found, loaded)
        pulled = pull_note(found, loaded, loaded.folder, made, list(secrets_of_note(client, found).values()))
        check_pulled(pulled, found, made, loaded.name)
        if in_place and not console.as_json:
            lines = folder_diff(pulled, target)
            console.out.print(Text("\n").join(Text(line.text, style=STYLES[line.kind]) for line in lines))
        written = write_files(pulled, target)
        deleted = delete_unused(pulled, target, [each.file for each in loaded.templates]) if in_place else []
        for change in pulled.changes:
            if change.verdict is not Verdict.SAME:
                console.say(f"  {verdict_line(change.verdict, change.title, change.key, _remark(change))}")
        answer = {
            "note": client.note_url(found.id),
            "into": str(target),
            "changes": [{"key": c.key, "verdict": str(c.verdict), "title": c.title} for c in pulled.changes],
            "literal": [{"key": c.key, "name": name} for c in pulled.changes for name in c.lost],
            "written": len(written) + len(deleted),
        }
        console.result(answer, f"{target}: {len(written)} files written; apply it with --bundle {_as_option(target)}")


def _check_made_of(note: Note, bundle: Bundle) -> None:
    """Raise `UsageError` for a note of another bundle than the project's, whose files it would take the place of."""
    noted = origin(note)
    source = noted.folder or noted.bundle or "an unknown bundle"
    if (noted.folder, noted.bundle) != (bundle.own_folder, bundle.name):
        raise UsageError(
            f"{note.path} was made of {source}, which is not the project's",
            next_step="name its bundle with --bundle",
        )


def _target(source: str, into: Path | None, *, force: bool) -> tuple[Bundle, Path, bool]:
    """The bundle, the folder for the files, and whether that is the bundle's own.

    Raises `UsageError` for another folder with files in it.
    """
    bundle = load_bundle(source)
    target = into or (bundle.folder if "/" in source else Path.cwd() / bundle.name)
    in_place = target.resolve() == bundle.folder.resolve()
    if not in_place and not force and target.is_dir() and any(target.iterdir()):
        raise UsageError(f"{target}: there are files in it", next_step="name another folder with --into, or --force")
    return bundle, target, in_place


def _named(bundle: str) -> str:
    return bundle if bundle in bundle_names() or "/" in bundle else f"./{bundle}"


def _shipped(name: str) -> str:
    if name not in bundle_names():
        raise UsageError(
            f"the note came from a bundle {name!r} that is none of the tool's", next_step="give --bundle DIR"
        )
    return name


def _remark(change: Pull) -> str:
    if not change.lost:
        return ""
    names = ", ".join(change.lost)
    return f"plain text now, as you have edited the value: {names}"


def _as_option(folder: Path) -> str:
    text = str(folder)
    return text if "/" in text else f"./{text}"
