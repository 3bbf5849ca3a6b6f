"""Which platform is meant, by what a person has said and where."""

import subprocess
import sys
from pathlib import Path

import pytest

from provision.errors import UsageError
from provision.platforms import DEFAULT_PLATFORM, all_fields, chosen_platform, named_platform, platforms
from provision.platforms.platform import Given


def test_a_platform_is_found_by_its_module() -> None:
    assert next(iter(platforms())) == DEFAULT_PLATFORM
    assert all(named_platform(name).name == name for name in platforms())


def test_a_fourth_platform_is_a_new_file(tmp_path: Path) -> None:
    (tmp_path / "paper.py").write_text(
        "from dataclasses import replace\n"
        "from provision.platforms.mqtt import MqttPlatform\n"
        "from provision.platforms.platform import AccountField\n"
        "class Paper(MqttPlatform):\n"
        "    name, help = 'paper', 'letters'\n"
        "    fields = (AccountField('street', '--street', 'NAME', 'PAPER_STREET', 'Where it is.'),)\n"
        "PLATFORM = Paper()\n"
    )
    code = (
        "import sys, provision.platforms as p\n"
        f"p.__path__.append({str(tmp_path)!r})\n"
        "from provision.platforms.platform import Given\n"
        "assert p.chosen_platform(Given({'street': 'Rama IV'}, env={})).name == 'paper'\n"
        "from provision.cli import run\n"
        "sys.exit(run(['publish', '--help']))\n"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "--street NAME" in said.stdout
    assert "paper: letters" in " ".join(said.stdout.split())


def test_an_unknown_platform_is_refused_with_the_one_that_is_like_it() -> None:
    with pytest.raises(UsageError, match="no platform 'netpie215'") as caught:
        named_platform("netpie215")
    assert "netpie2015" in caught.value.next_step


def test_no_secret_has_an_option() -> None:
    secrets = [each for each in all_fields().values() if each.name in ("appsecret", "password", "secret", "token")]
    assert secrets
    assert not [each for each in secrets if each.option]


def test_nothing_said_is_the_default_one() -> None:
    assert chosen_platform(Given(env={})).name == DEFAULT_PLATFORM


def test_a_credentials_file_names_the_platform(tmp_path: Path) -> None:
    file = tmp_path / "app.env"
    file.write_text("NETPIE_APPID=A\nappkey=K\n")
    assert chosen_platform(Given(credentials_file=file, env={}), noted=None).name == "netpie2015"
