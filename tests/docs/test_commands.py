"""Every command in the documents and in `--help` is one that the command line takes: command, options, values."""

import re
import shlex
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import click
import pytest

from bench import __main__ as bench
from provision.bundles.bundle import Bundle, bundle_names, load_bundle
from provision.cli import COMMANDS
from provision.cli import provision as command_line
from provision.console import Console
from provision.errors import UsageError
from provision.options.usual_bundle import usual_bundles

from .pages import PAGES, ROOT, name, shell_lines, spans

INCOMPLETE = (click.MissingParameter, click.BadOptionUsage, click.exceptions.NoArgsIsHelpError)
"""Errors of what prose may leave out, and a line to type may not."""
OUTSIDE = {"docker", "git", "pip", "source", "cd", "eval", "umask", "printf"}
"""First words of shell lines that are other programs'."""
BENCH = {"--help", *re.findall(r'"(--[a-z-]+)"', "".join(file.read_text() for file in (ROOT / "bench").glob("*.py")))}


@pytest.fixture(autouse=True)
def _in_a_project(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A project with the targets that the documents name, for lines with --target."""
    file = tmp_path / "provision.toml"
    file.write_text("[targets.dev]\n[targets.prod]\n", encoding="utf-8")
    monkeypatch.setenv("PROVISION_PROJECT", str(file))


# --- what a line says ---


def without_environment(words: list[str]) -> list[str]:
    """The words without `NAME=value` before the command."""
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words = words[1:]
    return words


def check_line(line: str) -> None:
    """Raise an error for a shell line that is not one to type."""
    words = without_environment(shlex.split(line, comments=True))
    match words:
        case []:
            return
        case ["provision" | ".venv/bin/provision", *rest]:
            check_provision(rest)
        case ["scripts/demo", *rest]:
            check_provision(["demo", *rest])
        case ["docker", "run", "--rm", "--init", "netpie-zeppelin", *rest]:
            check_provision(rest or ["demo"])
        case ["python" | ".venv/bin/python", "-m", "bench", *rest]:
            check_bench(rest)
        case ["python" | ".venv/bin/python", "-m", module, *_]:
            assert module == "pytest" or list(ROOT.glob(f"{module.replace('.', '/')}*")), f"no module {module}"
        case ["python" | ".venv/bin/python", file, *_] if file.endswith(".py"):
            assert (ROOT / file).is_file(), f"no file {file}"
        case [first, *_]:
            assert first in OUTSIDE or (ROOT / first).is_file(), f"what is {first}?"


def check_provision(words: list[str]) -> None:
    """Have the command line itself read the words, as far as it does before it does anything."""
    with pytest.MonkeyPatch.context() as patch, suppress(click.exceptions.Exit):  # of --help and --version
        context = command_line.make_context("provision", list(words), obj=Console())
        while isinstance(context.command, click.Group):
            named, command, rest = context.command.resolve_command(context, [*context._protected_args, *context.args])
            assert command is not None
            allow_missing_files(command, patch)
            context = command.make_context(named, rest, parent=context)
        check_parameters(context.params)


def allow_missing_files(command: click.Command, patch: pytest.MonkeyPatch) -> None:
    """Take a document's `netpie.env` for a file that is there."""
    for option in command.params:
        if isinstance(option.type, click.Path):
            patch.setattr(option.type, "exists", False)


def check_parameters(options: dict[str, object]) -> None:
    """Have the bundle check `--param NAME=VALUE …`."""
    pairs = [pair for pair in options.get("pairs") or () if isinstance(pair, str) and pair != "NAME=VALUE"]  # type: ignore[attr-defined]
    bundle = str(options.get("bundle") or usual_bundles(pairs)[0])
    if not pairs or bundle.startswith("./"):
        return
    given = dict(pair.split("=", 1) for pair in pairs)
    load_bundle(str(ROOT / bundle) if "/" in bundle else bundle).values({"appid": "APPID", **given})


def check_bench(words: list[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench, "_measured", lambda _options: {})
        patch.setattr(bench, "RESULTS", Path("/nowhere"))
        patch.setattr(bench, "_ENDS", ())
        assert bench.main([word for word in words if word != "--save"]) == 0


def commands(group: click.Group) -> Iterator[tuple[str, click.Command]]:
    """All commands below a group, with their names as typed."""
    context = click.Context(group, obj=Console())
    for each in group.list_commands(context):
        command = group.get_command(context, each)
        assert command is not None
        yield each, command
        if isinstance(command, click.Group):
            yield from ((f"{each} {below}", found) for below, found in commands(command))


# --- shell code ---

LINES = sorted({(name(page), line) for page in PAGES for line in shell_lines(page)})


@pytest.mark.parametrize(("page", "line"), LINES)
def test_shell_lines_can_be_typed(page: str, line: str) -> None:
    check_line(line)


@pytest.mark.parametrize(
    "line",
    [
        "provision aply",
        "provision apply --zepelin http://HOST:8080",
        "provision stop",
        "provision stop NOTE ANOTHER",
        "provision demo --variant averages",
        "provision apply --param topics=metrics",
        "provision apply --param batch=10 --param window=15",
        "provision creds fetch",
        "NETPIE_APPID=a provision creds get --alas b",
        "scripts/demo --window 5",
        "python -m bench streams",
        "python -m bench stream --frist 5",
        "python -m connector",
        "scripts/tests",
        "provison up",
    ],
)
def test_a_mistyped_line_is_found(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises((AssertionError, click.UsageError, UsageError, SystemExit)):
        check_line(line)


# --- prose ---

CALLS = sorted({(name(page), span) for page in PAGES for span in spans(page) if span.startswith("provision ")})


@pytest.mark.parametrize(("page", "span"), CALLS)
def test_commands_in_the_prose_exist(page: str, span: str) -> None:
    with suppress(*INCOMPLETE):
        check_provision(shlex.split(span)[1:])


OPTIONS = sorted(
    {(name(page), found[0]) for page in PAGES for span in spans(page) if (found := re.match(r"--[a-z0-9-]+", span))}
)


@pytest.mark.parametrize(("page", "option"), OPTIONS)
def test_options_in_the_prose_exist(page: str, option: str) -> None:
    known = {
        "--help",
        *(
            opt
            for _, command in commands(command_line)
            for each in command.params
            for opt in (*each.opts, *each.secondary_opts)
        ),
    }

    assert option in (BENCH if page == "bench/README.md" else known)


MEASURES = sorted({(name(page), span) for page in PAGES for span in spans(page) if re.match(r"python -m \S+ ", span)})


@pytest.mark.parametrize(("page", "span"), MEASURES)
def test_modules_in_the_prose_can_be_run(page: str, span: str) -> None:
    check_line(span.replace("NAME", "demo").replace("…", ""))


VALUES = sorted(
    {
        (name(page), *found.groups())
        for page in PAGES
        for span in spans(page)
        if (found := re.fullmatch(r"(?:--param )?([a-z_]+)=([^ …]+)", span))
    }
)


@pytest.mark.parametrize(("page", "parameter", "value"), VALUES)
def test_parameters_in_the_prose_take_what_they_are_given(page: str, parameter: str, value: str) -> None:
    bundles = [bundle for bundle in map(load_bundle, bundle_names()) if parameter in bundle.parameters]

    assert bundles
    assert any(takes(bundle, parameter, value) for bundle in bundles)


def takes(bundle: Bundle, parameter: str, value: str) -> bool:
    try:
        bundle.parameters[parameter].value(value)
    except UsageError:
        return False
    return True


def test_every_command_has_its_place_in_the_documents() -> None:
    told = {shlex.split(span)[1] for _, span in CALLS}
    typed = {words[1] for _, line in LINES if len(words := without_environment(shlex.split(line, comments=True))) > 1}

    assert set(COMMANDS) - told - typed == set()


# --- --help ---

EXAMPLES = [
    (title, found[0].strip())
    for title, command in [("", command_line), *commands(command_line)]
    for line in (command.help or "").splitlines()
    if (found := re.match(r"^ *(?:[A-Z_]+=\S+ )*provision [a-z].*?(?=  |$)", line))
]


@pytest.mark.parametrize(("title", "line"), EXAMPLES)
def test_examples_of_the_help_can_be_typed(title: str, line: str) -> None:
    check_line(line)


def test_the_help_has_examples() -> None:
    assert {"", "creds", "publish", "apply", "pull", "jar"} <= {title for title, _ in EXAMPLES}
