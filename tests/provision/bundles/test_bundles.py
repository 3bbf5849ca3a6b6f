"""What is wrong with a bundle comes out when it is loaded, as one line that names the file."""

import json
from pathlib import Path

import pytest

from provision.bundles.bundle import bundle_names, load_bundle
from provision.bundles.context import COMPUTED
from provision.bundles.engine import ECHOES_NOTHING, typed_part
from provision.bundles.placeholders import place_names, setting_names
from provision.bundles.roles import Role
from provision.errors import UsageError

from ..rendering import rendered

GREENHOUSE = str(Path(__file__).parents[3] / "examples" / "greenhouse")
PARAMETERS = """
appid = { type = "word", help = "." }
topic = { type = "topic", default = "metrics", help = "." }
variant = { type = "choice", choices = ["csv"], default = "csv", help = "." }
out = { type = "folder", default = "/tmp", help = "." }
connector = { type = "choice", choices = ["bahir"], default = "bahir", help = "." }
mqtt_package = { type = "coordinate", default = "", help = "." }
mqtt_jars = { type = "files", default = [], help = "." }
secrets = { type = "choice", choices = ["store"], default = "store", help = "." }
batch = { type = "seconds", default = 10, minimum = 1, help = "." }
"""
PARAGRAPH = '[[paragraphs]]\nkey = "one"\nrole = "start"\nfile = "one.scala"\ninterpreter = "spark"\n'
NOTE = f'title = "t"\nhelp = "h"\npath = "p {{topic}}"\n[parameters]{PARAMETERS}\n{PARAGRAPH}'


def load(folder: Path, *, note: str = NOTE, template: str = "val a = {{ batch | scala }}") -> None:
    (folder / "note.toml").write_text(note, encoding="utf-8")
    (folder / "one.scala").write_text(template, encoding="utf-8")
    load_bundle(str(folder))


def refusal(folder: Path, *, note: str = NOTE, template: str = "") -> UsageError:
    with pytest.raises(UsageError) as caught:
        load(folder, note=note, template=template)
    assert str(folder) in caught.value.message
    assert len(caught.value.message.splitlines()) == 1
    return caught.value


def test_a_person_s_own_folder_can_be_a_bundle(tmp_path: Path) -> None:
    load(tmp_path)


@pytest.mark.parametrize(
    ("template", "cause"),
    [
        ("val a = {{ bacth | scala }}", "no value 'bacth'"),
        ("val a = {{ batch | scla }}", "no filter 'scla'"),
        ("val a = {{ batch }}", "is no {{ name | filter }}"),
        ("val a = {{ batch | scala | scala }}", "is no {{ name | filter }}"),
        ("val a = {{}}", "is no {{ name | filter }}"),
        ("{{ when batch }}val a = 1", "is no {{ name | filter }}"),
        ("val a = {{ when variant = csv }}1", "does not stand at the start of its line"),
        ("{{ when varaint = csv }}val a = 1", "no parameter 'varaint'"),
        ("{{ when variant = csv, cvs }}val a = 1", "parameter variant can't be 'cvs'"),
        ("{{ when batch = 10 }}val a = 1", "parameter batch can't be '10'"),
    ],
)
def test_a_wrong_place_is_named_with_its_file_and_line(tmp_path: Path, template: str, cause: str) -> None:
    message = refusal(tmp_path, template=f"// first\n{template}").message
    assert cause in message
    assert f"{tmp_path / 'one.scala'}:2:" in message


def test_scala_s_own_braces_are_no_places(tmp_path: Path) -> None:
    load(tmp_path, template='xs.map { x => { x match { case (a, b) => s"{{$a" } }}\nval b = Map({{\n}})')


@pytest.mark.parametrize(
    ("old", "new", "cause"),
    [
        ('help = "h"\n', "", "no help in it"),
        ('key = "one"\n', "", "no key in it"),
        ("title =", "title", "line 1"),
        ('type = "seconds"', 'type = "minutes"', "unknown type 'minutes'"),
        ("default = 10", 'default = "ten"', "batch"),
        ("default = 10", "default = 0", "batch=0 is out of range"),
        ("default = 10", "default = true", "batch"),
        ('choices = ["csv"], default = "csv"', 'choices = ["a"], default = "b"', "variant='b'"),
        ("minimum = 1", "minimal = 1", "minimal"),
        ("minimum = 1", 'multiple_of = "slide"', "'slide'"),
        ('path = "p {topic}"', 'path = "p {subject}"', "'subject'"),
        ('path = "p {topic}"', 'path = "p {topic"', "'}'"),
        ('interpreter = "spark"', 'interpreter = "spark"\nwhen = { mode = "a" }', "'mode'"),
        ("secrets =", "secret =", "no parameter 'secrets'"),
        (PARAGRAPH, "paragraphs = 3", "note.toml"),
        ('interpreter = "spark"', 'interpreter = "spark"\nwhen = { variant = "cvs" }', "variant can't be 'cvs'"),
        ('interpreter = "spark"', 'interpreter = "spark"\nwhen = { zeppelin = "0.9" }', "version condition '0.9'"),
        ('interpreter = "spark"', 'interpreter = "spark"\nrol = "stop"', "unknown entry 'rol'"),
        ("secrets =", 'zeppelin = { type = "word", default = "a", help = "." }\nsecrets =', "'zeppelin'"),
        ("[parameters]", "[embedded]\nconector = 'bahir'\n[parameters]", "'conector'"),
        ("[parameters]", "[embedded]\nconnector = 'jar'\n[parameters]", "connector='jar' is not one of bahir"),
        ("[parameters]", "[embeded]\n[parameters]", "unknown entry 'embeded'"),
    ],
)
def test_a_mistake_in_note_toml_is_a_usage_error(tmp_path: Path, old: str, new: str, cause: str) -> None:
    assert old in NOTE
    assert cause in refusal(tmp_path, note=NOTE.replace(old, new)).message


def paragraph(key: str, **entries: object) -> str:
    lines = [f"{name} = {toml(value)}" for name, value in {"key": key, **entries}.items()]
    return "\n".join(["[[paragraphs]]", *lines, 'file = "one.scala"', 'interpreter = "spark"\n'])


def toml(value: object) -> str:
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{name} = {toml(each)}' for name, each in value.items())} }}"
    return json.dumps(value)


VARIANTS = NOTE.replace('choices = ["csv"]', 'choices = ["csv", "print"]')
OLD, NEW = {"zeppelin": "<0.9"}, {"zeppelin": ">=0.9"}


@pytest.mark.parametrize(
    ("paragraphs", "cause"),
    [
        ([paragraph("a", role="strat")], "paragraph 'a': unknown role 'strat'"),
        ([paragraph("a")], "no paragraph starts the stream"),
        ([paragraph("a", role="start", when={"variant": "csv"})], "no paragraph starts the stream with variant=print"),
        ([paragraph("a", role="start", when=NEW)], "no paragraph starts the stream with zeppelin=0.0.0"),
        ([paragraph("a", role="start"), paragraph("b", blocks=True)], "paragraph 'b': only the paragraph that starts"),
        ([paragraph("a", role="start"), paragraph("b", role="start")], "two paragraphs with role 'start' fit one note"),
        ([paragraph("a", role="start"), paragraph("a")], "two paragraphs with key 'a' fit one note"),
        (
            [paragraph("a", role="start"), *[paragraph("b", role="stop", when=when) for when in (OLD, {})]],
            "two paragraphs with key 'b' fit one note with zeppelin=0.0.0",
        ),
        (
            [paragraph("a", role="start"), *[paragraph(key, role="window", when={"batch": 10}) for key in ("b", "c")]],
            "two paragraphs with role 'window' fit one note, 'b' and 'c' with batch=10",
        ),
        (
            [paragraph("a", role="start", blocks=True), paragraph("b", role="latest")],
            "'b' with role 'latest' never runs beside 'a', which blocks",
        ),
    ],
)
def test_roles_that_do_not_fit_each_other_are_refused(tmp_path: Path, paragraphs: list[str], cause: str) -> None:
    assert cause in refusal(tmp_path, note=VARIANTS.replace(PARAGRAPH, "\n".join(paragraphs))).message


@pytest.mark.parametrize(
    "paragraphs",
    [
        [paragraph("a", role="start", when=OLD), paragraph("a", role="start", when=NEW)],
        [paragraph(key, role="start", when={"variant": key}) for key in ("csv", "print")],
        [
            paragraph("a", role="start", blocks=True, when={"variant": "csv"}),
            paragraph("a", role="start", when={"variant": "print"}),
            paragraph("b", role="stop", when={"variant": "print"}),
        ],
    ],
)
def test_paragraphs_that_never_fit_one_note_may_share_key_and_role(tmp_path: Path, paragraphs: list[str]) -> None:
    load(tmp_path, note=VARIANTS.replace(PARAGRAPH, "\n".join(paragraphs)))


def test_a_bundle_says_what_it_takes_on_the_embedded_stack(tmp_path: Path) -> None:
    load(tmp_path, note=NOTE.replace("[parameters]", "[embedded]\nbatch = 5\nmqtt_jars = ['/a', '/b']\n[parameters]"))
    assert load_bundle(str(tmp_path)).embedded == {"batch": "5", "mqtt_jars": "/a,/b"}


def test_the_shipped_bundles_have_all_roles() -> None:
    roles = {template.role for name in bundle_names() for template in load_bundle(name).templates}
    assert roles == {*Role, ""}


@pytest.mark.parametrize("name", bundle_names())
def test_alternatives_of_a_paragraph_have_the_same_role(name: str) -> None:
    roles: dict[str, set[str]] = {}
    for template in load_bundle(name).templates:
        roles.setdefault(template.key, set()).add(template.role)
    assert {key: each for key, each in roles.items() if len(each) > 1} == {}


def test_a_paragraph_s_missing_file_is_named(tmp_path: Path) -> None:
    error = refusal(tmp_path, note=NOTE.replace("one.scala", "two.scala"))
    assert "two.scala: No such file" in error.message


def test_a_paragraph_can_be_a_part_of_the_engine(tmp_path: Path) -> None:
    load(tmp_path, note=NOTE.replace("one.scala", "engine:slices"))
    (template,) = load_bundle(str(tmp_path)).templates
    assert template.text == f"{typed_part('slices')}\n{ECHOES_NOTHING}"


def test_a_part_that_the_engine_has_not_is_a_usage_error(tmp_path: Path) -> None:
    error = refusal(tmp_path, note=NOTE.replace("one.scala", "engine:slice"))
    assert "the engine has no part 'slice'" in error.message


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "note.toml").write_text(NOTE)
    (tmp_path / "one.scala").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match=r"one\.scala.*UTF-8"):
        load_bundle(str(tmp_path))


def test_a_bundle_edited_on_windows_is_the_same_bundle(tmp_path: Path) -> None:
    (tmp_path / "note.toml").write_bytes(NOTE.replace("\n", "\r\n").encode("utf-8-sig"))
    (tmp_path / "one.scala").write_bytes(b"\xef\xbb\xbfval a = 1\r\nval b = 2\r\n")
    assert load_bundle(str(tmp_path)).templates[0].text == "val a = 1\nval b = 2"


@pytest.mark.parametrize("name", ["nope", "", "..", "connector", "./nowhere"])
def test_a_name_that_is_no_bundle_s_is_refused_with_those_there_are(name: str) -> None:
    with pytest.raises(UsageError, match="no bundle") as caught:
        load_bundle(name)
    assert caught.value.next_step == "take one of classic, streaming, structured, or a folder: ./DIR"


@pytest.mark.parametrize(("name", "meant"), [("straeming", "streaming"), ("Clasic", "classic")])
def test_a_mistyped_bundle_is_told_with_the_one_that_was_meant(name: str, meant: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_bundle(name)
    assert caught.value.next_step.startswith(f"did you mean {meant}? ")


def test_a_mistyped_parameter_or_choice_is_told_with_what_was_meant() -> None:
    bundle = load_bundle("streaming")
    with pytest.raises(UsageError) as caught:
        bundle.values({"appid": "A", "windw": "300"})
    assert caught.value.next_step.startswith("did you mean window? it has ")
    with pytest.raises(UsageError) as caught:
        bundle.values({"appid": "A", "variant": "avrage"})
    assert caught.value.next_step.startswith("did you mean average? ")


def test_the_names_that_templates_may_use_are_all_used_by_some_bundle() -> None:
    bundles = [load_bundle(name) for name in bundle_names()]
    templates = [template for bundle in bundles for template in bundle.templates]
    used = {name for each in templates for name in place_names(each.text) | setting_names(each.config)}
    assert used >= COMPUTED


def test_a_setting_takes_a_value_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "note.toml").write_text(
        f'{NOTE}config = {{ height = "{{{{ batch }}}}", other = "{{{{ batch }}}} s" }}\n'
    )
    (tmp_path / "one.scala").write_text("1")
    config = rendered(str(tmp_path), batch="20").paragraphs[0].config

    assert (config["height"], config["other"]) == (20, "{{ batch }} s")


def test_a_setting_without_a_value_is_refused(tmp_path: Path) -> None:
    error = refusal(tmp_path, note=f'{NOTE}config = {{ height = "{{{{ bach }}}}" }}\n')

    assert error.message.endswith("paragraph 'one': config: no value 'bach'")


def test_the_chart_draws_a_line_of_the_averages_for_each_id() -> None:
    note = rendered("streaming")
    chart = next(paragraph for paragraph in note.paragraphs if paragraph.key == "chart")
    graph = chart.config["results"]["0"]["graph"]
    columns = ["window_end", "ts", "id", "avg(loadavg)", "avg(cpu)", "avg(mem)"]  # of the table averages
    (key,), (group,), (value,) = graph["keys"], graph["groups"], graph["values"]
    assert [columns[each["index"]] for each in (key, group, value)] == [each["name"] for each in (key, group, value)]
    assert (key["name"], group["name"], value["name"], value["aggr"]) == ("window_end", "id", "avg(cpu)", "avg")
    assert graph["setting"] == {"lineChart": {}}


@pytest.mark.parametrize("bundle", ["streaming", GREENHOUSE])
def test_the_chart_names_no_column_of_a_query_that_may_be_edited(bundle: str) -> None:
    (template,) = (each for each in load_bundle(bundle).templates if each.role == Role.CHART)
    assert template.text == "select * from averages order by 1"


PLUMBING = ["before", "connector", "results", "slices", "context", "stream"]
OF_OUTPUTS = {"outputs-engine", "delivery"}


@pytest.mark.parametrize(
    ("bundle", "more"), [("streaming", OF_OUTPUTS), (GREENHOUSE, set())], ids=["streaming", "greenhouse"]
)
def test_the_plumbing_is_titles_alone_and_what_one_edits_is_seen_with_its_output(bundle: str, more: set[str]) -> None:
    templates = load_bundle(bundle).templates
    assert {each.key for each in templates if each.config.get("editorHide")} == {
        "introduction", "dependencies", *PLUMBING, *more,
    }  # fmt: skip
    quiet = {each.file.name for each in templates if each.text.rstrip().endswith(ECHOES_NOTHING)}
    prints_nothing_by_itself = {"before.scala"}
    plumbing = {each.file.name for each in templates if each.key in {*PLUMBING, *more}}
    assert quiet == plumbing - prints_nothing_by_itself


@pytest.mark.parametrize("bundle", bundle_names() + [GREENHOUSE])
def test_no_paragraph_s_output_is_folded_as_that_would_hide_its_errors(bundle: str) -> None:
    assert not [each.key for each in load_bundle(bundle).templates if each.config.get("tableHide")]


@pytest.mark.parametrize("bundle", ["streaming", GREENHOUSE])
def test_the_order_is_the_reader_s_as_far_as_a_run_from_the_top_allows(bundle: str) -> None:
    keys = list(dict.fromkeys(each.key for each in load_bundle(bundle).templates))
    edited = ["columns", "window", "query", "outputs"]
    wanted = ["introduction", "dependencies", *PLUMBING, *edited, "stop", "start", "latest", "chart"]
    assert [key for key in keys if key not in OF_OUTPUTS and not key.startswith("output-")] == wanted
    if bundle == "streaming":
        assert keys[keys.index("slices") + 1] == "outputs-engine"
        of_outputs = ["delivery", "output-csv", "output-parquet", "output-postgresql", "output-table"]
        assert keys[keys.index("query") + 1 : keys.index("outputs")] == of_outputs
