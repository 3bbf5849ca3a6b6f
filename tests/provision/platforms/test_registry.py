"""Which platform is meant, by what a person has said and where."""

from pathlib import Path

import pytest

from provision.errors import UsageError
from provision.platforms import DEFAULT_PLATFORM, all_fields, chosen_platform, named_platform, platforms
from provision.platforms.platform import Given


def test_a_platform_is_found_by_its_module() -> None:
    assert next(iter(platforms())) == DEFAULT_PLATFORM
    assert all(named_platform(name).name == name for name in platforms())


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
