import re
from collections import Counter
from dataclasses import replace

import pytest

from provision.embedded.manifest import (
    Component,
    MavenJar,
    PackagedFile,
    PypiFile,
    component,
    component_names,
    release_for,
)
from provision.errors import ProvisionError

COMPONENTS = [component(name) for name in component_names()]
JARS = [jar for part in COMPONENTS for jar in part.jars]
RELEASES = [release for part in COMPONENTS for release in part.releases]


def test_every_pin_has_a_size_and_a_sha256() -> None:
    for pin in (*JARS, *RELEASES):
        assert 1_000 < pin.size < 1_000_000_000, pin
        assert re.fullmatch("[0-9a-f]{64}", pin.sha256), pin


def test_every_coordinate_is_one_exact_version() -> None:
    for jar in JARS:
        assert re.fullmatch(r"[\w.-]+(:[\w.-]+){2,3}", jar.coordinate), jar.coordinate
        assert not re.search("SNAPSHOT|LATEST|RELEASE", jar.coordinate.split(":")[2].upper()), jar.coordinate


def test_a_jar_s_path_is_the_one_of_the_maven_layout() -> None:
    assert MavenJar("org.a.b:c:1.2:linux", 1, "", "").path == "org/a/b/c/1.2/c-1.2-linux.jar"


def test_no_two_jars_of_a_folder_have_the_same_name() -> None:
    for part in COMPONENTS:
        places = Counter((jar.folder, jar.file_name) for jar in part.jars)
        assert [place for place, count in places.items() if count > 1] == []


def test_a_file_name_stands_for_one_content_so_that_all_downloads_share_a_folder() -> None:
    pins: dict[str, set[tuple[str, int, str]]] = {}
    for jar in JARS:
        pins.setdefault(jar.file_name, set()).add((jar.coordinate, jar.size, jar.sha256))
    assert [names for names in pins.values() if len(names) > 1] == []


def test_releases_are_of_the_version_that_their_component_names() -> None:
    for part in COMPONENTS:
        for release in part.releases:
            assert release.file_name.startswith(f"{release.name}-{release.version}")


PART = Component(
    "part",
    (MavenJar("g:a:1", 5, "aa", "lib"),),
    (PypiFile("p", "1", "p-1.tar.gz", 5, "bb"),),
    (PackagedFile("start.sh", "bin/start.sh", b"echo"),),
)


@pytest.mark.parametrize(
    "changed",
    [
        replace(PART, jars=(replace(PART.jars[0], coordinate="g:a:2"),)),
        replace(PART, jars=(replace(PART.jars[0], sha256="ab"),)),
        replace(PART, jars=(replace(PART.jars[0], folder="lib/x"),)),
        replace(PART, releases=(replace(PART.releases[0], sha256="bc"),)),
        replace(PART, packaged=(replace(PART.packaged[0], content=b"echo 2"),)),
        replace(PART, packaged=(replace(PART.packaged[0], path="bin/x.sh"),)),
    ],
    ids=["version", "jar", "folder", "release", "content of a packaged file", "place of a packaged file"],
)
def test_the_digest_changes_with_every_pin(changed: Component) -> None:
    assert changed.digest != PART.digest


def test_zeppelin_s_launcher_and_interpreter_list_count_in_its_digest() -> None:
    zeppelin = component("zeppelin-0.10.0")
    assert {file.path for file in zeppelin.packaged} == {
        "bin/interpreter.sh",
        "interpreter/spark/interpreter-setting.json",
        "interpreter/python/interpreter-setting.json",
        "interpreter/python/bin/python",
        "interpreter/python/java/bin/java",
        "interpreter/python/conf/spark-defaults.conf",
        "interpreter/python/conf/log4j2.properties",
    }
    assert replace(zeppelin, packaged=()).digest != zeppelin.digest


def test_a_component_that_is_not_there_is_named() -> None:
    with pytest.raises(ProvisionError, match="'nothing'"):
        component("nothing")


def test_the_wheel_of_the_best_tag_is_taken() -> None:
    wheels = tuple(PypiFile("j", "1", f"j-1-py3-none-{tag}.whl", 1, "") for tag in ("linux_x", "manylinux1_x", "win"))
    part = Component("jre", releases=wheels)
    assert release_for(part, ["manylinux1_x", "linux_x"]).file_name == "j-1-py3-none-manylinux1_x.whl"
    assert release_for(part, ["linux_x"]).file_name == "j-1-py3-none-linux_x.whl"


def test_a_wheel_of_another_python_is_not_taken() -> None:
    pythons = ("cp311-cp311", "cp312-cp312")
    wheels = tuple(PypiFile("a", "1", f"a-1-{tag}-linux_x.whl", 1, "") for tag in pythons)
    part = Component("arrow", releases=wheels)
    assert release_for(part, ["cp312-cp312-linux_x", "py3-none-linux_x"]).file_name == "a-1-cp312-cp312-linux_x.whl"
    with pytest.raises(ProvisionError, match="cp310-cp310-linux_x"):
        release_for(part, ["cp310-cp310-linux_x", "py3-none-linux_x"])


def test_pyarrow_is_pinned_for_each_python_and_platform_that_the_tool_and_its_java_run_on() -> None:
    pythons = [f"cp3{minor}-cp3{minor}" for minor in (11, 12, 13, 14)]
    platforms = ["manylinux_2_28_x86_64", "macosx_12_0_x86_64", "macosx_12_0_arm64"]
    for tag in (f"{python}-{platform}" for python in pythons for platform in platforms):
        assert release_for(component("pyarrow-22.0.0"), [tag]).file_name.endswith(f"-{tag}.whl")


def test_a_source_distribution_fits_every_platform() -> None:
    assert release_for(component("spark-3.1.3"), []).file_name == "pyspark-3.1.3.tar.gz"


def test_a_platform_without_a_wheel_is_named_with_the_way_out() -> None:
    with pytest.raises(ProvisionError, match="jre-11 is not published for this platform .linux_sparc.") as caught:
        release_for(component("jre-11"), ["linux_sparc"])
    assert "--zeppelin URL" in caught.value.next_step
