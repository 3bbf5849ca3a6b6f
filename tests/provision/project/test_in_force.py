"""What counts: the command line, the environment, the target, the file."""

import json
import os
from pathlib import Path
from typing import NoReturn

import pytest

from provision.errors import UsageError
from provision.platforms import named_platform
from provision.platforms.platform import Given, Seeking

from .conftest import ProjectBench

TEXT = """
zeppelin = "http://file:8080"
user = "ann"
password-file = "zeppelin.password"
credentials-file = "netpie.env"
bundle = "./bundle"
jobs = 7

[param]
topic = "from-file"
window = 120
slide = 20

[publish]
every = "5s"
topic = "published"

[targets.prod]
zeppelin = "http://prod:8080"
jobs = 9
param = { window = 240 }

[targets.local]
zeppelin = ""
"""


@pytest.fixture
def filled(project: ProjectBench) -> ProjectBench:
    """A project with all kinds of settings."""
    project.write(TEXT)
    project.write("x", "zeppelin.password")
    project.write("x", "netpie.env")
    return project


def test_the_file_counts_before_an_option_s_default_and_its_paths_are_its_own(
    filled: ProjectBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = filled.folder / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)

    values = filled.in_force()
    assert values["zeppelin"] == ("http://file:8080", "project")
    assert values["jobs"] == (7, "project")
    assert values["bundle"] == (str(filled.folder / "bundle"), "project")
    assert values["credentials-file"] == (str(filled.folder / "netpie.env"), "project")
    assert values["param.topic"] == ("from-file", "project")
    assert "note" not in values


def test_the_target_counts_before_the_file_option_by_option_and_parameter_by_parameter(filled: ProjectBench) -> None:
    values = filled.in_force("--target", "prod")
    assert values["zeppelin"][0] == "http://prod:8080"
    assert values["jobs"][0] == 9
    assert [values[f"param.{name}"][0] for name in ("topic", "window", "slide")] == ["from-file", "240", "20"]
    assert values["user"] == ("ann", "project")


@pytest.mark.parametrize("command", ["apply", "demo", "publish", "sub"])
def test_a_parameter_that_is_typed_leaves_the_file_s_others(filled: ProjectBench, command: str) -> None:
    filled.write(f"{TEXT}\n[demo.param]\ntopic = 'from-file'\n")
    values = filled.in_force(command, "--param", "window=240")
    assert (values["param.topic"][0], values["param.window"][0]) == ("from-file", "240")


def test_an_empty_text_takes_a_setting_back(filled: ProjectBench) -> None:
    assert "zeppelin" not in filled.in_force("--target", "local")


@pytest.mark.parametrize("words", [["--target", "prod", "apply"], ["apply", "--target", "prod"]])
def test_the_target_may_stand_before_the_command_and_behind_it(filled: ProjectBench, words: list[str]) -> None:
    assert filled.in_force(*words)["jobs"][0] == 9


def test_the_environment_counts_before_the_target(filled: ProjectBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZEPPELIN_URL", "http://environment:8080")
    assert filled.in_force("--target", "prod")["zeppelin"] == ("http://environment:8080", "environment")


def test_the_command_line_counts_before_all(filled: ProjectBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZEPPELIN_URL", "http://environment:8080")
    words = ["--zeppelin", "http://typed:1", "--param", "window=360", "--jobs", "2"]
    values = filled.in_force("--target", "prod", "apply", *words)
    assert values["zeppelin"] == ("http://typed:1", "command line")
    assert values["jobs"] == (2, "command line")
    assert values["param.window"] == ("360", "command line")
    assert values["param.slide"] == ("20", "project")


@pytest.mark.parametrize("name", ["PROVISION_TARGET", "target"])
def test_the_environment_and_the_file_can_choose_the_target(
    filled: ProjectBench, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name == "target":
        filled.write(f'target = "prod"\n{TEXT}')
    else:
        monkeypatch.setenv(name, "prod")
    assert filled.in_force()["jobs"][0] == 9
    assert filled.in_force("--target", "local")["jobs"][0] == 7


def test_a_command_s_table_counts_before_the_file_and_for_no_other_command(filled: ProjectBench) -> None:
    values = filled.in_force("publish")
    assert values["topic"] == ("published", "project")
    assert values["every"] == (5.0, "project")
    assert "zeppelin" not in values
    assert "topic" not in filled.in_force("apply")


def test_each_value_has_the_line_that_it_is_from(filled: ProjectBench) -> None:
    filled.run("config", "--target", "prod", "--json")
    lines = TEXT.splitlines()
    for each in json.loads(filled.out)["values"]:
        if each["from"] == "project":
            assert each["file"] == str(filled.folder / "provision.toml")
            assert each["name"].rpartition(".")[2] in lines[each["line"] - 1]
    filled.run("config", "--target", "prod")
    assert f"provision.toml:{lines.index('jobs = 9') + 1}, target prod" in filled.out


def test_a_switch_is_true_or_false_and_one_of_several_hides_the_others(project: ProjectBench) -> None:
    project.write("ours = true\nno-run = true\nsettle = true\n[targets.prod]\ntheirs = true\nno-run = false\n")
    values = project.in_force()
    assert (values["ours"][0], values["no-run"][0], values["settle"][0]) == ("ours", True, 10.0)
    values = project.in_force("--target", "prod")
    assert "ours" not in values
    assert values["theirs"][0] == "theirs"
    assert "no-run" not in values


# --- what gives way ---


def test_a_password_is_not_for_another_server_than_the_file_s(filled: ProjectBench) -> None:
    values = filled.in_force("apply", "--zeppelin", "http://other:8080")
    assert not {"user", "password-file"} & set(values)
    assert filled.in_force("apply", "--user", "bob")["zeppelin"][0] == "http://file:8080"
    assert "password-file" not in filled.in_force("apply", "--user", "bob")


def test_an_application_that_is_named_elsewhere_is_not_mixed_with_the_file_s(
    filled: ProjectBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "credentials-file" not in filled.in_force("apply", "--appid", "A", "--appkey", "K")
    monkeypatch.setenv("NETPIE_APPID", "A")
    values = filled.in_force()
    assert values["appid"] == ("A", "environment")
    assert "credentials-file" not in values


@pytest.mark.parametrize(
    ("file", "variable", "shown"),
    [
        ("appid=A\nappkey=K\nappsecret=of-file\n", "NETPIE_APPSECRET", ("netpie2015", "appsecret")),
        ("client_id=c\ntoken=t\nsecret=of-file\n", "NETPIE_SECRET", ("netpie2020", "secret")),
        ("broker=mqtt://h\nusername=ann\npassword=of-file\n", "MQTT_PASSWORD", ("mqtt", "password")),
    ],
)
def test_a_secret_of_the_environment_counts_before_the_project_file_s_and_after_a_typed_file_s(
    project: ProjectBench, monkeypatch: pytest.MonkeyPatch, file: str, variable: str, shown: tuple[str, str]
) -> None:
    asked: list[object] = []
    platform, secret = named_platform(shown[0]), shown[1]
    account = platform.account

    def ask(_: object, given: Given, *how: Seeking) -> NoReturn:
        asked.append(account(given, *how))
        raise UsageError("seen", next_step="")

    monkeypatch.setattr(type(platform), "account", ask)
    named = str(project.write(file, "account.env"))
    project.write("credentials-file = 'account.env'\n")

    def taken(*words: str) -> object:
        project.run("publish", *words, "--message", "{}")
        return _secret(asked[-1], secret)

    assert taken() == "of-file"
    monkeypatch.setenv(variable, "of-environment")
    assert taken() == "of-environment"
    assert taken("--credentials-file", named) == "of-file"


def _secret(account: object, name: str) -> object:
    match name:
        case "appsecret":
            return account.application.appsecret  # type: ignore[attr-defined]
        case "secret":
            return account.devices[0].secret  # type: ignore[attr-defined]
    return account.bare.password  # type: ignore[attr-defined]


def test_a_secret_in_the_environment_is_told_and_not_shown(
    project: ProjectBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NETPIE_APPSECRET", "Hush-hush-1234")
    monkeypatch.setenv("ZEPPELIN_PASSWORD", "Hush-hush-1234")
    values = project.in_force()
    assert values["secret-file"] == values["password-file"] == ("(not shown)", "environment")
    assert "Hush" not in project.said
    project.run("config", "apply", "--param", "spark_properties=spark.my.password=Hush-hush-1234")
    assert "Hush" not in project.said


def test_a_named_note_is_not_the_class_and_a_typed_class_is_not_the_note(project: ProjectBench) -> None:
    project.write('each = "people.csv"\nrun = true\nbundle = "classic"\n[param]\ntopic = "a"\n')
    project.write("appid\nA\n", "people.csv")
    assert project.in_force("status")["each"][0] == str(project.folder / "people.csv")
    assert "each" not in project.in_force("status", "Ann's note")
    assert not {"each", "run"} & set(project.in_force("apply", "--note", "Ann/x"))
    assert project.run("stop", "a note") == 2
    assert "no Zeppelin server named" in project.said  # and not: --bundle goes with --each


def test_publish_takes_from_the_file_what_fits_the_events_that_are_typed(project: ProjectBench) -> None:
    project.write("[publish]\nhosts = 3\nrate = 10\nseed = 1\n")
    values = project.in_force("publish", "--message", "x")
    assert not {"hosts", "rate", "seed"} & set(values)
    assert project.in_force("publish", "--every", "5")["hosts"][0] == 3


def test_an_option_that_is_a_parameter_too_counts_once(project: ProjectBench) -> None:
    project.write('spark-master = "local[2]"\n')
    assert "spark-master" not in project.in_force("apply", "--param", "spark_master=local[3]")
    project.write('[param]\nspark_master = "local[2]"\n')
    assert "param.spark_master" not in {
        name
        for name, (_, source) in project.in_force("apply", "--spark-master", "local[4]").items()
        if source == "project"
    }


def test_the_demonstration_takes_nothing_but_its_own_table(project: ProjectBench) -> None:
    project.write('bundle = "./mine"\n[param]\ntopic = "x"\n[demo]\nwindows = 5\n')
    values = project.in_force("demo")
    assert values["windows"] == (5, "project")
    assert "bundle" not in values
    assert "param.topic" not in {name for name, (_, source) in values.items() if source == "project"}


# --- where the file is ---


def test_the_nearest_file_counts_and_the_search_ends_at_the_home_folder(
    project: ProjectBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write("jobs = 3\n")
    project.write("jobs = 5\n", "inner/provision.toml")
    monkeypatch.chdir(project.folder / "inner")
    assert project.in_force()["jobs"][0] == 5
    (project.folder / "inner" / "provision.toml").unlink()
    assert project.in_force()["jobs"][0] == 3
    (project.folder / "inner" / "home").mkdir()
    monkeypatch.setenv("HOME", str(project.folder / "inner"))
    monkeypatch.chdir(project.folder / "inner" / "home")
    assert project.in_force()["jobs"] == (4, "default")


def test_a_file_can_be_named(project: ProjectBench, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("jobs = 3\n", "other/mine.toml")
    project.write("jobs = 5\n", "other/provision.toml")
    assert project.in_force("--project", "other/mine.toml")["jobs"][0] == 3
    assert project.in_force("apply", "--project", "other")["jobs"][0] == 5
    monkeypatch.setenv("PROVISION_PROJECT", "other/mine.toml")
    assert project.in_force()["jobs"][0] == 3
    assert project.in_force("--project", os.devnull)["jobs"] == (4, "default")
    assert project.run("list", "--project", "nowhere") == 2
    assert "nowhere: there is no project file" in project.said


def test_a_file_of_another_user_is_refused_unless_it_is_named(
    project: ProjectBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write("jobs = 3\n")
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    real = Path.stat

    def of_another(self: Path, **how: bool) -> os.stat_result:
        seen = list(real(self, **how))
        seen[4] = 54321
        return os.stat_result(seen)

    monkeypatch.setattr(Path, "stat", of_another)
    assert project.run("list") == 2
    assert "another user owns it (uid 54321)" in project.said
    assert project.in_force("--project", "provision.toml")["jobs"][0] == 3


@pytest.mark.parametrize("words", [["--help"], ["apply", "--help"], ["down"], ["init", "new"], ["--version"]])
def test_a_broken_file_hinders_no_help(project: ProjectBench, words: list[str]) -> None:
    project.write("not toml")
    assert project.run(*words) == 0, project.said


def test_a_folder_that_is_gone_has_no_project(project: ProjectBench, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = project.folder / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert project.run("list") == 2
    assert "no Zeppelin server named" in project.said


def test_a_command_uses_what_the_file_says(project: ProjectBench) -> None:
    project.write('zeppelin = "http://127.0.0.1:9"\njson = true\n')
    assert project.run("list") == 4
    assert json.loads(project.out)["error"]["kind"] == "unreachable"
