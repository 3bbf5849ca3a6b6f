"""Where an application comes from, in which order, and what is missing."""

import pytest

from netpie_creds import Application, ApplicationError, load_application

ENVIRONMENT = {"NETPIE_APPID": "EnvApp", "NETPIE_APPKEY": "EnvKey", "NETPIE_APPSECRET": "EnvSecret"}


def test_environment_is_enough():
    assert load_application(env=ENVIRONMENT) == Application("EnvApp", "EnvKey", "EnvSecret")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("netpie.env", "appid=FileApp\nappkey=FileKey\nappsecret=FileSecret\n"),
        (
            "netpie.env",
            "# mine\n\nexport NETPIE_APPID='FileApp'\nNETPIE_APPKEY = \"FileKey\"\nAPPSECRET=FileSecret",
        ),
        ("netpie.toml", 'appid = "FileApp"\nappkey = "FileKey"\nappsecret = "FileSecret"  # mine\n'),
    ],
)
def test_file_is_enough_as_lines_or_toml(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    assert load_application(file=tmp_path / name, env={}) == Application("FileApp", "FileKey", "FileSecret")


def test_value_may_hold_an_equals_sign(tmp_path):
    (tmp_path / "f").write_text("appsecret=a=b==")
    assert load_application(file=tmp_path / "f", env=ENVIRONMENT).appsecret == "a=b=="


def test_arguments_win_over_the_file_and_the_file_over_the_environment(tmp_path):
    (tmp_path / "f").write_text("appkey=FileKey\nappid=FileApp")
    assert load_application(appid="ArgApp", file=tmp_path / "f", env=ENVIRONMENT) == Application(
        "ArgApp", "FileKey", "EnvSecret"
    )


def test_secret_file_wins_and_its_line_end_is_no_part_of_it(tmp_path):
    (tmp_path / "secret").write_text("FromFile\n")
    assert load_application(secret_file=tmp_path / "secret", env=ENVIRONMENT).appsecret == "FromFile"


def test_secret_is_asked_for_only_when_it_is_nowhere_else():
    env = {"NETPIE_APPID": "A", "NETPIE_APPKEY": "K"}
    assert load_application(env=env, ask_secret=lambda: "Typed").appsecret == "Typed"
    assert load_application(env=ENVIRONMENT, ask_secret=lambda: 1 / 0).appsecret == "EnvSecret"


def test_what_is_missing_is_named_with_where_to_give_it():
    with pytest.raises(ApplicationError, match="no APPID and no APPKEY") as error:
        load_application(env={})
    assert "NETPIE_APPKEY" in error.value.next_step
    with pytest.raises(ApplicationError, match="no APPSECRET") as error:
        load_application("A", "K", env={})
    assert "--secret-file" in error.value.next_step
    assert error.value.exit_code == 2


@pytest.mark.parametrize(
    ("name", "content", "cause"),
    [
        ("f", b"hunter2", "line 1"),
        ("f", b"appsecret=x\nkey=hunter2", "'key'"),
        ("f.toml", b"appsecret = hunter2", "line 1"),
        ("f.toml", b"appsecret = 2", "not a string"),
        ("f", b"\xffhunter2", "not text"),
    ],
)
def test_file_that_cannot_be_understood_is_named_and_not_quoted(tmp_path, name, content, cause):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ApplicationError, match=cause) as error:
        load_application(file=tmp_path / name, env=ENVIRONMENT)
    assert str(tmp_path / name) in error.value.message
    assert "hunter2" not in error.value.message


def test_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ApplicationError, match="No such file"):
        load_application(file=tmp_path / "gone", env=ENVIRONMENT)


LINES = "appid=FileApp\nappkey=FileKey\nappsecret=FileSecret\n"
TOML = 'appid = "FileApp"\nappkey = "FileKey"\nappsecret = "FileSecret"\n'
SHEET = "appid;appkey;appsecret\nFileApp;FileKey;FileSecret\n"


def as_written_on_windows(text: str) -> dict[str, bytes]:
    crlf = text.replace("\n", "\r\n")
    return {
        "crlf": crlf.encode(),
        "bom": crlf.encode("utf-8-sig"),
        "utf-16-le": b"\xff\xfe" + crlf.encode("utf-16-le"),
        "utf-16-be": b"\xfe\xff" + crlf.encode("utf-16-be"),
        "old-mac": text.replace("\n", "\r").encode(),
    }


@pytest.mark.parametrize("how", as_written_on_windows(""))
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("netpie.env", LINES),
        ("netpie.toml", TOML),
        ("NETPIE.TOML", TOML),
        ("sheet.csv", SHEET),
        ("sheet.csv", SHEET.replace(";", ",")),
        ("sheet.txt", SHEET.replace(";", "\t")),
        ("sheet.csv", LINES.replace("=", ";")),
        ("sheet.csv", LINES.replace("=", ",").replace("\n", ",,\n")),
        ("sheet.csv", f"sep=;\n{SHEET}"),
        ("sheet.csv", SHEET.replace("appid;appkey;appsecret", "AppID ;App Key; App Secret")),
        ("sheet.txt", LINES.replace("=", "\t")),
        ("notes.txt", LINES.replace("=", ": ")),
        ("netpie.cmd", LINES.replace("app", "set NETPIE_APP")),
        ("netpie.ps1", LINES.replace("app", "$env:NETPIE_APP").replace("=", ' = "').replace("\n", '"\n')),
    ],
)
def test_file_written_on_windows_or_by_a_spreadsheet_is_understood(tmp_path, name, text, how):
    (tmp_path / name).write_bytes(as_written_on_windows(text)[how])
    assert load_application(file=tmp_path / name, env={}) == Application("FileApp", "FileKey", "FileSecret")


@pytest.mark.parametrize("how", as_written_on_windows(""))
def test_secret_file_written_on_windows_is_understood(tmp_path, how):
    (tmp_path / "secret").write_bytes(as_written_on_windows("FromFile\n")[how])
    assert load_application(secret_file=tmp_path / "secret", env=ENVIRONMENT).appsecret == "FromFile"


def test_line_end_in_a_variable_is_no_part_of_it():
    assert load_application(env={name: f"{value}\r\n" for name, value in ENVIRONMENT.items()}).appid == "EnvApp"


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        ("appsecret=hunter2 \xe9".encode("cp1252"), "line 1 is no text in UTF-8"),
        (LINES.encode("utf-16-le"), "UTF-16 without a byte order mark"),
        (b"\x00\x01hunter2", "not text"),
        (b"\xff\xfehunter2", "not text"),
        (b"PK\x03\x04\x14\x00hunter2", "a spreadsheet's own file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1hunter2", "a spreadsheet's own file"),
    ],
)
def test_file_in_another_encoding_is_refused_with_the_reason(tmp_path, content, cause):
    (tmp_path / "f").write_bytes(content)
    with pytest.raises(ApplicationError, match=cause) as error:
        load_application(file=tmp_path / "f", env=ENVIRONMENT)
    assert "hunter2" not in error.value.message
