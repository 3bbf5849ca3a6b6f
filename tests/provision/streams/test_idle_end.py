"""When a server ends an idle Spark, by its configuration and by Spark's own setting, in each version."""

import pytest

from provision.streams.idle_end import CLASS, NEVER, OWN_CLASS, OWN_THRESHOLD, THRESHOLD, IdleEnd, idle_end
from zeppelin_sdk import PermissionDeniedError, ServerVersion
from zeppelin_sdk.testing import FakeZeppelin, refused

TIMEOUT = "org.apache.zeppelin.interpreter.lifecycle.TimeoutLifecycleManager"


def end_of(version: str, configuration: dict[str, str], properties: dict[str, str] | None = None) -> IdleEnd | None:
    fake = FakeZeppelin()
    fake.configurations = configuration
    fake.settings["spark"]["properties"] = properties or {}
    with fake.client() as client, pytest.MonkeyPatch.context() as patch:
        patch.setattr(client, "get_version", lambda: ServerVersion.parse(f"{version}.0"))
        return idle_end(client, client.get_interpreter_setting("spark"))


def seconds(version: str, configuration: dict[str, str], properties: dict[str, str] | None = None) -> float | None:
    end = end_of(version, configuration, properties)
    return end.seconds if end else None


def test_by_default_none_is_ended() -> None:
    assert seconds("0.10", {}) is None
    assert seconds("0.10", {CLASS: NEVER, THRESHOLD: "3600000"}) is None
    assert seconds("0.10", {CLASS: "org.example.Own", THRESHOLD: "1000"}) is None


@pytest.mark.parametrize(
    ("threshold", "expected"),
    [
        ("3600000", 3600),
        ("20000", 20),
        ("1h", 3600),
        ("1h30m", 5400),
        ("90s", 90),
        ("500ms", 0.5),
        ("1H", 3600),
        ("60000.0", 60),
        ("soon", 3600),
        ("", 3600),
    ],
)
def test_the_threshold_is_read_as_zeppelin_reads_it(threshold: str, expected: float) -> None:
    assert seconds("0.12", {CLASS: TIMEOUT, THRESHOLD: threshold}) == expected


def test_without_a_threshold_it_is_an_hour() -> None:
    assert seconds("0.10", {CLASS: TIMEOUT}) == 3600


@pytest.mark.parametrize(("version", "expected"), [("0.10", None), ("0.11", None), ("0.12", 3600), ("0.13", 3600)])
def test_up_to_0_11_the_environment_of_spark_s_interpreter_comes_first(version: str, expected: float | None) -> None:
    assert seconds(version, {CLASS: TIMEOUT}, {OWN_CLASS: NEVER}) == expected
    shorter = seconds(version, {CLASS: TIMEOUT}, {OWN_THRESHOLD: "60000"})
    assert shorter == (60 if expected is None else 3600)


@pytest.mark.parametrize(("own", "expected"), [("0", None), ("-1", None), ("10m", 600), ("", 3600), ("never", 3600)])
def test_from_0_13_on_spark_s_setting_may_have_a_threshold_of_its_own(own: str, expected: float | None) -> None:
    assert seconds("0.13", {CLASS: TIMEOUT}, {THRESHOLD: own}) == expected
    assert seconds("0.12", {CLASS: TIMEOUT}, {THRESHOLD: own}) == 3600


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ("0.8", "zeppelin-site.xml"),
        ("0.10", f"the property {OWN_CLASS} = {NEVER}"),
        ("0.12", "zeppelin-site.xml"),
        ("0.13", f"the property {THRESHOLD} = 0"),
    ],
)
def test_what_keeps_it_is_told_for_the_server_s_version(version: str, words: str) -> None:
    end = end_of(version, {CLASS: TIMEOUT, THRESHOLD: "120000"})
    assert end is not None
    assert words in end.next_step
    assert "for 2 min" in end.told


def test_a_user_who_may_not_read_the_configuration_is_told() -> None:
    fake = FakeZeppelin()
    with fake.client() as client:
        setting = client.get_interpreter_setting("spark")
        fake.fail_next("GET", refused(403, "FORBIDDEN", "administrators only"))
        with pytest.raises(PermissionDeniedError):
            idle_end(client, setting)
