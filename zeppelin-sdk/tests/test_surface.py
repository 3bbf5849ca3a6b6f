"""The whole public surface, in `surface.txt`, and what the package may import."""

import ast
import importlib
import inspect
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import zeppelin_sdk
import zeppelin_sdk.testing

SURFACE = Path(__file__).with_name("surface.txt")
SOURCES = sorted(Path(zeppelin_sdk.__file__).parent.rglob("*.py"))
MAY_IMPORT = {"zeppelin_sdk", "pandas", "requests", "urllib3", "websocket", *sys.stdlib_module_names}
PUBLIC_MODULES = [zeppelin_sdk, zeppelin_sdk.testing]


def surface(module: ModuleType) -> Iterator[str]:
    """Every public name of a module, and of its classes, functions with the names of their parameters."""
    for name in module.__all__:
        thing = getattr(module, name)
        yield f"{module.__name__}.{name}{parameters(thing)}"
        if inspect.isclass(thing):
            own = {n for c in thing.__mro__ if is_own(c) for n in vars(c)}
            own |= set(getattr(thing, "__dataclass_fields__", ()))
            yield from sorted(
                f"{module.__name__}.{name}.{member}{parameters(getattr(thing, member, None))}"
                for member in own
                if not member.startswith("_")
            )


def is_own(thing: type) -> bool:
    return thing.__module__.startswith("zeppelin_sdk")


def parameters(thing: object) -> str:
    if inspect.isclass(thing):
        thing = next((vars(c)["__init__"] for c in thing.__mro__ if "__init__" in vars(c) and is_own(c)), None)
    if not inspect.isroutine(thing):
        return ""
    found = [p.replace(annotation=p.empty) for p in inspect.signature(thing).parameters.values() if p.name != "self"]
    return str(inspect.Signature(found))


def modules() -> list[ModuleType]:
    found = pkgutil.walk_packages(zeppelin_sdk.__path__, "zeppelin_sdk.")
    return [zeppelin_sdk, *(importlib.import_module(module.name) for module in found)]


def imported(source: str) -> Iterator[str]:
    """The packages that a source imports, wherever in it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "zeppelin_sdk" if node.level else str(node.module).partition(".")[0]


def undocumented(module: ModuleType) -> Iterator[str]:
    """The public classes, functions, methods and properties that a module defines without a docstring."""
    for name, thing in vars(module).items():
        if name.startswith("_") or getattr(thing, "__module__", "") != module.__name__:
            continue
        members = vars(thing).items() if inspect.isclass(thing) else []
        callables = [(n, m) for n, m in members if callable(getattr(m, "__func__", m)) or isinstance(m, property)]
        for where, what in [(name, thing), *((f"{name}.{n}", m) for n, m in callables if not n.startswith("_"))]:
            if callable(what) and not inspect.getdoc(what) or isinstance(what, property) and not what.__doc__:
                yield f"{module.__name__}.{where}"


def test_this_is_all_that_is_public() -> None:
    assert [line for module in PUBLIC_MODULES for line in surface(module)] == SURFACE.read_text().splitlines()


def test_all_other_modules_are_private() -> None:
    names = [module.__name__ for module in modules() if "._" not in module.__name__]
    assert names == [module.__name__ for module in PUBLIC_MODULES]


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.__name__)
def test_everything_public_says_what_it_is(module: ModuleType) -> None:
    assert module.__doc__
    if not module.__name__.startswith("zeppelin_sdk.testing._"):
        assert list(undocumented(module)) == []


def test_what_the_double_exports_says_what_it_is() -> None:
    for name in zeppelin_sdk.testing.__all__:
        thing = getattr(zeppelin_sdk.testing, name)
        members = vars(thing).items() if inspect.isclass(thing) else []
        assert not (inspect.isclass(thing) or inspect.isroutine(thing)) or inspect.getdoc(thing), name
        assert [n for n, m in members if inspect.isfunction(m) and not n.startswith("_") and not m.__doc__] == []


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_a_module_imports_only_the_package_and_its_dependencies(source: Path) -> None:
    assert set(imported(source.read_text())) <= MAY_IMPORT


def test_an_import_within_a_function_is_seen() -> None:
    source = (
        "def f() -> None:\n    if True:\n        from provision.errors import UsageError\n        import netpie_creds.x"
    )
    assert not set(imported(source)) & MAY_IMPORT


def test_what_only_a_websocket_needs_is_imported_on_demand() -> None:
    code = "import sys, zeppelin_sdk; zeppelin_sdk.ZeppelinClient('http://h'); print('websocket' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
