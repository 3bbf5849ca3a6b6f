"""How notes get at the credential store, and how texts of older versions are brought to it."""

from types import SimpleNamespace

import pytest

from provision.bundles.literals.stored import entities_in, reading, reading_in_python, upgraded
from provision.bundles.literals.values import Secret
from provision.errors import UsageError

from ..rendering import code, rendered
from ..scala_reader import read_literal

ENTITY = "netpie-AppKey123-311e1fd9"
USER, PASSWORD = (reading(Secret(ENTITY, part, "any")) for part in ("user", "password"))


def older(text: str) -> str:
    """A text of the streaming bundle as versions that had Zeppelin put secrets into it wrote it."""
    text = text.replace(USER, f'"{{{ENTITY}.user}}"').replace(PASSWORD, f'"{{{ENTITY}.password}}"')
    return text.replace("%spark\n", "%spark(injectCredentials=true)\n", 1)


@pytest.mark.parametrize(
    "value", ['"+sys.exit(1)+"', "a\\b", "${x}", "{other.user}", "a\nb", "a\u200bb", "a`b", "a'b", ""]
)
def test_nothing_of_a_secret_s_value_is_in_what_reads_it(value: str) -> None:
    assert reading(Secret(ENTITY, "password", value)) == PASSWORD
    assert "the value" not in repr(Secret(ENTITY, "password", "the value"))


def test_what_reads_an_entry_names_it_when_it_is_missing_and_holds_nothing_that_zeppelin_replaces() -> None:
    called = PASSWORD.partition("scala.sys.error(")[2].removesuffix("))")
    assert ENTITY in read_literal(called, early_unicode=True)
    assert not set("{}$\n") & set(PASSWORD)


class Kept:
    """What Zeppelin's Java objects look like from Python, for a user with these entries."""

    def __init__(self, **entries: tuple[str, str]) -> None:
        self.entries = entries

    def getInterpreterContext(self) -> "Kept":
        return self

    getAuthenticationInfo = getUserCredentials = getInterpreterContext

    def getUsernamePassword(self, entity: str) -> SimpleNamespace | None:
        if entity not in self.entries:
            return None
        user, password = self.entries[entity]
        return SimpleNamespace(getUsername=lambda: user, getPassword=lambda: password)


def test_the_python_expression_reads_an_entry_and_names_one_that_is_missing() -> None:
    expressions = [reading_in_python(Secret(ENTITY, part, "the value")) for part in ("user", "password")]
    kept = {"__zeppelin__": Kept(**{ENTITY: ("ann", 'h"u{s}h')})}
    assert [eval(each, dict(kept)) for each in expressions] == ["ann", 'h"u{s}h']
    for each in expressions:
        assert not set("{}$\n") & set(each)
        assert "the value" not in each
        assert entities_in(each) == {ENTITY}
        with pytest.raises(LookupError, match=f"{ENTITY} is not in this user's credential store"):
            eval(each, {"__zeppelin__": Kept()})


@pytest.mark.parametrize("entity", ['a"b', "a}", "a.b", "a b", "a\n", ""])
def test_an_entry_that_could_break_out_of_its_string_is_refused(entity: str) -> None:
    with pytest.raises(UsageError, match="credential store"):
        reading(Secret(entity, "user", "the value"))
    with pytest.raises(UsageError, match="credential store"):
        reading_in_python(Secret(entity, "user", "the value"))


@pytest.mark.parametrize(
    "text",
    [USER, f'"{{{ENTITY}.user}}"', f"{{password.{ENTITY}}}", f"x.getUsernamePassword( '{ENTITY}' ).getPassword"],
)
def test_an_entry_is_found_however_a_text_names_it(text: str) -> None:
    assert entities_in(f"val a = {text}") == {ENTITY}


def test_entries_of_others_and_bare_names_are_not_found() -> None:
    assert entities_in(f'{{warehouse.user}} {ENTITY} getUsernamePassword("warehouse")') == set()


@pytest.mark.parametrize("bundle", ["streaming", "classic"])
def test_an_older_text_becomes_the_one_of_today(bundle: str) -> None:
    text = next(p.text for p in rendered(bundle).paragraphs if p.key == "stream")
    for entity in entities_in(text):
        for part in ("user", "password"):
            text = text.replace(reading(Secret(entity, part, "")), f'"{{{entity}.{part}}}"')
    old = text.replace("%spark\n", "%spark(injectCredentials=true)\n")
    assert "getUserCredentials" not in old
    assert upgraded(old) == next(p.text for p in rendered(bundle).paragraphs if p.key == "stream")
    assert upgraded(upgraded(old)) == upgraded(old)


def test_a_text_of_zeppelin_0_8_is_understood_too() -> None:
    assert upgraded(f'%spark\nval a = "{{user.{ENTITY}}}"') == f"%spark\nval a = {USER}"


@pytest.mark.parametrize("mine", ['"{warehouse.password}"', f'"x{{{ENTITY}.user}}y"'])
def test_zeppelin_goes_on_putting_in_what_a_person_has_asked_for(mine: str) -> None:
    text = older(f"%spark\nval a = {USER}\nval mine = ") + mine
    assert upgraded(text) == f"%spark(injectCredentials=true)\nval a = {USER}\nval mine = {mine}"


def test_a_text_that_names_no_entry_stays_as_it_is() -> None:
    for text in ("", "%md\n{netpie.user}", '%spark\nval a = "{netpie-K}"', code(rendered("streaming"), "query")):
        assert upgraded(text) == text
