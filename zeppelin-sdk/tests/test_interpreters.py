import pytest

from zeppelin_sdk import InterpreterError, Repository, WaitTimeoutError, ZeppelinClient, _interpreters
from zeppelin_sdk.testing import FakeZeppelin


@pytest.fixture(autouse=True)
def quick_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_interpreters, "POLL_SECONDS", 0.001)


def test_all_settings_are_listed(client: ZeppelinClient) -> None:
    assert [(s.name, s.status) for s in client.list_interpreter_settings()] == [
        ("spark", "READY"),
        ("md", "READY"),
    ]


def test_a_setting_is_found_by_its_id_before_its_name(client: ZeppelinClient, fake: FakeZeppelin) -> None:
    fake.settings["md"]["name"] = "spark"
    assert client.get_interpreter_setting("spark").id == "spark"
    fake.settings["spark"]["id"] = "2SPARK"
    assert client.get_interpreter_setting("2SPARK").id == "2SPARK"
    assert client.get_interpreter_setting("spark").id == "2SPARK"


def test_a_setting_that_is_not_there_is_an_error_that_names_the_others(client: ZeppelinClient) -> None:
    with pytest.raises(InterpreterError, match=r"no interpreter setting 'flink'; it has: md, spark"):
        client.get_interpreter_setting("flink")


def test_an_update_sends_back_all_that_was_not_changed(client: ZeppelinClient, fake: FakeZeppelin) -> None:
    setting = client.get_interpreter_setting("spark").with_properties({"spark.master": "local[2]"})
    updated = client.update_interpreter_setting(setting)
    assert updated.properties == {"SPARK_HOME": "/opt/spark", "spark.master": "local[2]"}
    assert fake.settings["spark"]["properties"]["SPARK_HOME"]["type"] == "string"
    assert fake.settings["spark"]["option"] == {"remote": True, "perNote": "shared", "owners": ["ann"]}
    assert fake.settings["spark"]["dependencies"][0]["exclusions"] == ["c:d"]


def test_waiting_ends_when_the_dependencies_are_loaded(client: ZeppelinClient) -> None:
    setting = client.get_interpreter_setting("spark").with_dependencies(["a:b:1", "org.x:y:2"])
    assert client.update_interpreter_setting(setting).status == "DOWNLOADING_DEPENDENCIES"
    ready = client.wait_interpreter_ready("spark", timeout=30)
    assert (ready.status, ready.dependencies) == ("READY", ("a:b:1", "org.x:y:2"))


def test_dependencies_that_cannot_be_had_are_an_error_with_the_servers_reason(client: ZeppelinClient) -> None:
    setting = client.get_interpreter_setting("spark").with_dependencies(["x:missing:1"])
    client.update_interpreter_setting(setting)
    with pytest.raises(InterpreterError) as caught:
        client.wait_interpreter_ready("spark", timeout=30)
    assert caught.value.message.endswith("spark ready: Cannot fetch dependencies for x:missing:1")


def test_waiting_gives_up_after_the_timeout(client: ZeppelinClient, fake: FakeZeppelin) -> None:
    fake.settings["spark"]["status"] = "STARTING"
    with pytest.raises(WaitTimeoutError, match=r"interpreter spark is still STARTING after 0\.01 s"):
        client.wait_interpreter_ready("spark", timeout=0.01)


def test_a_restart_is_for_every_note_or_for_one(client: ZeppelinClient, fake: FakeZeppelin) -> None:
    client.stop_interpreter("spark")
    note_id = fake.add_note("/n")["id"]
    client.stop_interpreter("spark", note_id=note_id)
    assert fake.restarts == [("spark", {}), ("spark", {"noteId": note_id})]


def test_property_values_are_not_shown_by_repr(client: ZeppelinClient, fake: FakeZeppelin) -> None:
    fake.settings["spark"]["properties"]["token"] = {"name": "token", "value": "hush", "type": "password"}
    assert "hush" not in repr(client.get_interpreter_setting("spark"))


def test_a_setting_is_created_and_deleted(client: ZeppelinClient) -> None:
    made = client.create_interpreter_setting("md2", "md", properties={"a": "1"}, dependencies=["a:b:1"])
    assert (made.name, made.group, made.properties, made.dependencies) == ("md2", "md", {"a": "1"}, ("a:b:1",))
    with pytest.raises(InterpreterError, match="md2 already existed"):
        client.create_interpreter_setting("md2", "md")
    client.delete_interpreter_setting("md2")
    assert [s.name for s in client.list_interpreter_settings()] == ["spark", "md"]


def test_repositories_are_listed_added_and_removed(client: ZeppelinClient, fake: FakeZeppelin) -> None:
    mine = Repository("mine", "https://mine.example/maven2/")
    client.add_repository(mine, user="ann", password="hush")
    assert fake.requests[-1].json["password"] == "hush"
    assert mine in client.list_repositories()
    client.delete_repository("mine")
    assert [r.id for r in client.list_repositories()] == ["central"]
