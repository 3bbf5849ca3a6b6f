"""What is wrong with a project file is told with its line, by the command that reads it and by `provision validate`."""

import pytest

from .conftest import ProjectBench

MISTAKES = [
    ("jobs = 3\nzepelin = 'x'\n", 2, "zepelin: no command has such an option", "did you mean zeppelin?"),
    ("credentials_file = 'x'\n", 1, "no command has such an option", "did you mean credentials-file?"),
    ("jobs = 'many'\n", 1, "jobs: 'many' is not a valid", "--jobs"),
    ("\njobs = 99\n", 2, "jobs: 99 is not in the range", "--jobs"),
    ("no-run = 'yes'\n", 1, "no-run: it is a switch", "true or false"),
    ("user = ['a']\n", 1, "user: no text and no number", 'write user = "…"'),
    ("user = true\n", 1, "user: no text and no number", 'write user = "…"'),
    ("param = 'a=b'\n", 1, "param: no table of names and values", "write [param]"),
    ("[param]\n\nwindow = 2018-10-29\n", 1, "window is no text, number or list", "window = "),
    ("credentials-file = 'netpie.env'\n", 1, "credentials-file: File '", "--credentials-file"),
    ("[aply]\nrestart = true\n", 1, "aply: no command has such an option", "did you mean apply?"),
    ("targets = 5\n", 1, "targets holds a table for each target", "[targets.prod]"),
    ("target = 'pord'\n[targets.prod]\n", 1, "there is no target 'pord'", "did you mean prod?"),
    ("[targets.prod]\ntarget = 'x'\n", 2, "only the file as a whole has a target", "top of the file"),
    ("jobs = 1\njobs = 2\n", 2, "Cannot overwrite a value (at line 2", "TOML"),
    ("jobs = 1\nuser = ann\n", 2, "(at line 2", "TOML"),
]


@pytest.mark.parametrize(("text", "line", "cause", "step"), MISTAKES)
@pytest.mark.parametrize("command", ["validate", "apply"])
def test_a_mistake_is_one_line_with_file_line_and_next_step(
    project: ProjectBench, text: str, line: int, cause: str, step: str, command: str
) -> None:
    project.write(text)

    words = [command, *(["--target", "prod"] if "only the file" in cause else [])]
    assert project.run(*words) == 2, project.said
    assert len(project.said.strip().splitlines()) == 1, project.said
    assert str(project.folder / "provision.toml") in project.said
    assert f":{line}: " in project.said or f"line {line}," in project.said
    assert cause in project.said
    assert step in project.said


def test_an_option_of_another_command_s_table_is_told_with_the_one_that_was_meant(project: ProjectBench) -> None:
    project.write("[publish]\nrat = 5\n")
    assert project.run("publish") == 2
    assert "provision.toml:2: rat: provision publish has no such option; did you mean rate?" in project.said
    assert project.run("list") == 2
    assert "no Zeppelin server named" in project.said  # that command does not read the table


@pytest.mark.parametrize(
    "text",
    [
        'appsecret = "Hush1234567890"\n',
        'password = "Hush1234567890"\n',
        '[targets.prod]\ntoken = "Hush1234567890"\n',
        '[param]\nappsecret = "Hush1234567890"\n',
        'param = ["password=Hush1234567890"]\n',
        'zeppelin = "http://ann:Hush1234567890@host:8080"\n',
        '[param]\nbroker = "mqtt://ann:Hush1234567890@host"\n',
        '[param]\nspark_properties = ["spark.my.password=Hush1234567890"]\n',
        '[publish]\nmessage = "Bearer Hush1234567890"\n',
    ],
)
@pytest.mark.parametrize("command", ["validate", "list"])
def test_a_secret_is_refused_and_not_shown(project: ProjectBench, text: str, command: str) -> None:
    project.write(text)
    assert project.run(command) == 2
    assert "a secret has no place in a project file; name a file with it" in project.said
    assert "Hush" not in project.said


def test_a_secret_that_was_seen_once_is_refused_under_any_name(project: ProjectBench) -> None:
    from provision.sync.seen_secrets import remember

    remember(["Hush1234567890AbCd"])
    project.write('user = "Hush1234567890AbCd"\n')
    assert project.run("list") == 2
    assert "provision.toml:1: user: a secret has no place" in project.said
    assert "Hush" not in project.said


@pytest.mark.parametrize(("asked", "step"), [("pord", "did you mean prod?"), ("x", "it has dev, prod")])
def test_a_target_that_is_none_is_told_with_those_there_are(project: ProjectBench, asked: str, step: str) -> None:
    project.write("[targets.dev]\n[targets.prod]\n")
    assert project.run("list", "--target", asked) == 2
    assert f"there is no target {asked!r}" in project.said
    assert step in project.said


def test_a_target_without_a_project_is_an_error(project: ProjectBench) -> None:
    assert project.run("list", "--target", "prod") == 2
    assert "target 'prod': there is no provision.toml here or above" in project.said


# --- validate ---


def test_all_mistakes_of_a_project_are_told(project: ProjectBench) -> None:
    project.run("init")
    project.write('bundle = "./bundle"\nzepelin = "x"\njobs = 0\n[publish]\nrat = 1\n')
    assert project.run("validate") == 2
    assert [line.partition(": ")[0].rpartition(":")[2] for line in project.out.splitlines()] == ["2", "5", "3"]


def test_every_target_is_checked_and_named(project: ProjectBench) -> None:
    project.write(
        "[param]\nwindow = 120\nslide = 20\nwidow = 3\n[targets.dev]\nparam = { slide = 7 }\n"
        '[targets.prod]\nzeppelin = "no address"\nbundle = "./nowhere"\n'
    )
    assert project.run("validate") == 2
    lines = project.out.splitlines()
    assert any("provision.toml:4: bundle structured has no parameter 'widow'; did you mean window?" in x for x in lines)
    assert any(line.startswith("target prod: 'no address' is not the address of a server") for line in lines)
    assert any(line.startswith("target prod: ") and "provision.toml:9: bundle: no bundle" in line for line in lines)
    assert project.run("validate", "--target", "dev") == 2
    assert "prod" not in project.out


def test_parameters_that_do_not_fit_each_other_are_told(project: ProjectBench) -> None:
    project.write("[param]\nslide = 10\nwindow = 125\n")
    assert project.run("validate") == 2
    assert "window=125 is no multiple of slide=10" in project.out
    project.write("[param]\nwindow = 9999999999\n")
    assert project.run("validate") == 2
    assert "provision.toml:2: window=" in project.out


def test_a_bundle_s_mistakes_are_told_with_their_lines(project: ProjectBench) -> None:
    project.run("init")
    note = project.folder / "bundle" / "note.toml"
    text = note.read_text(encoding="utf-8")
    note.write_text(text.replace('when = { variant = "csv" }', 'when = { variant = "cvs" }'), encoding="utf-8")
    (project.folder / "bundle" / "stop.py").unlink()
    for words in (["validate"], ["validate", "--bundle", "./bundle"]):
        assert project.run(*words) == 2
        assert "variant can't be 'cvs'; did you mean csv?" in project.out
        assert "stop.py: No such file or directory" in project.out
        assert project.out.count("bundle/note.toml:") == 2


def test_a_class_file_s_rows_are_checked(project: ProjectBench) -> None:
    project.write('each = "people.csv"\nappid = "A"\nappkey = "K"\n')
    project.write("topic,note\nmetrics,Class/ann\na/b#,Class/bob\n,Class/ann\n", "people.csv")
    assert project.run("validate") == 2
    lines = project.out.splitlines()
    assert any("people.csv:3: topic 'a/b#'" in line for line in lines)
    assert any("people.csv:4: line 2 has the same note" in line for line in lines)
    project.write("topik\nmetrics\n", "people.csv")
    assert project.run("validate") == 2
    assert "unknown column 'topik'; did you mean topic?" in project.out


def test_a_credentials_file_that_names_nothing_is_told_without_its_content(project: ProjectBench) -> None:
    project.write('credentials-file = "netpie.env"\n')
    project.write("appid=A\nappkey=K\nappsecret=Hush1234567890\n", "netpie.env")
    assert project.run("validate") == 0, project.said
    project.write("appid=A\nseecret=Hush1234567890\n", "netpie.env")
    assert project.run("validate") == 2
    assert "netpie.env" in project.out
    assert "Hush" not in project.said


def test_nothing_wrong_is_status_0_without_a_server_or_a_network(
    project: ProjectBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket

    def refuse(*_arguments: object, **_more: object) -> None:
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    project.run("init")
    project.write('zeppelin = "https://host.invalid"\nuser = "ann"\nbundle = "./bundle"\n[targets.a]\n[targets.b]\n')
    assert project.run("validate") == 0, project.said
    assert project.out == f"{project.folder / 'provision.toml'}: nothing is wrong\n"
    answer = project.json("validate")
    assert answer == {"ok": True, "checked": [str(project.folder / "provision.toml")], "problems": []}


def test_the_json_of_problems_has_message_next_and_target(project: ProjectBench) -> None:
    project.write('[targets.prod]\nzeppelin = "nonsense"\n')
    answer = project.json("validate")
    assert answer["ok"] is False
    (problem,) = answer["problems"]
    assert set(problem) == {"message", "next", "target"}
    assert problem["target"] == "prod"


def test_without_a_project_there_is_nothing_to_validate(project: ProjectBench) -> None:
    assert project.run("validate") == 2
    assert "no provision.toml here or above; write one with provision init" in project.said
