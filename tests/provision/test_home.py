import stat
from pathlib import Path

import pytest

from provision import home


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_one_variable_moves_all_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path))
    assert [home.cache_dir(), home.data_dir(), home.state_dir()] == [
        tmp_path / "cache",
        tmp_path / "data",
        tmp_path / "state",
    ]


def test_a_relative_home_is_of_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PROVISION_HOME", "here")
    assert home.cache_dir() == tmp_path / "here" / "cache"


@pytest.mark.parametrize("value", [None, ""])
def test_without_it_the_platform_s_folders_are_used(
    value: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("PROVISION_HOME", value) if value is not None else monkeypatch.delenv("PROVISION_HOME", False)
    assert home.cache_dir().is_relative_to(tmp_path)
    assert home.cache_dir().name == "netpie-zeppelin"


def test_the_state_is_the_owner_s_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path))
    (tmp_path / "state").mkdir(mode=0o755)
    assert mode(home.state_dir()) == 0o700


def test_a_private_file_is_the_owner_s_alone_even_over_an_open_one(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("old")
    path.chmod(0o644)
    home.write_private(path, "new")
    assert path.read_text() == "new"
    assert mode(path) == 0o600


def test_a_private_file_that_can_t_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        home.write_private(path, "\ud800")
    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["secret"]


def test_a_platform_folder_with_a_space_gives_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROVISION_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(home.platformdirs, "user_cache_path", lambda _app: tmp_path / "Application Support")

    assert home.cache_dir() == tmp_path / ".netpie-zeppelin" / "cache"
