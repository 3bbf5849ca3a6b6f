import importlib
import inspect
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from types import ModuleType

import pytest

import zeppelin_sdk
from zeppelin_sdk import NoteFollower, NoteSession, ZeppelinClient

CLIENT = """
add_paragraph add_repository capabilities checkpoint_note clear_output clone_note close configurations
create_interpreter_setting create_note delete_credential delete_interpreter_setting delete_note delete_paragraph
execute_paragraph export_note find_note follow get_cron get_note get_paragraph get_permissions get_revision
import_note interpreter_setting interpreter_settings list_credentials list_notes list_repositories list_revisions
login move_paragraph note_job note_url open_note put_credential remove_cron remove_repository rename_note
restart_interpreter restore_revision run_note run_paragraph search_notes set_cron set_permissions stop_note
stop_paragraph ticket update_interpreter_setting update_paragraph update_paragraph_config url version
wait_interpreter_ready wait_paragraph
"""

FOLLOWER = "close note read"

SESSION = """
cancel_paragraph checkpoint_note clear_paragraph_output commit_paragraph get_revision insert_paragraph
list_revisions move_paragraph patch_paragraph refresh remove_form remove_paragraph restore_revision run_all
run_paragraph save_params
"""

PACKAGE = """
Capabilities ConnectionLost ConnectionRestored Credential Cron Event InterpreterError InterpreterSetting
InvalidAddressError LoginError LoginRequiredError NotFoundError NotZeppelinError Note NoteChanged NoteExistsError
NoteFollower NoteInfo NoteJob NoteNotFoundError NoteRunningError NoteSession OthersPresent OutputAppended
OutputUpdated Paragraph ParagraphAdded ParagraphChanged ParagraphError ParagraphJob ParagraphMoved
ParagraphNotFoundError ParagraphRemoved ParagraphStatus Permissions PermissionDeniedError Progress Repository
ResultMessage Revision SearchHit ServerError ServerVersion Ticket UnreachableError UnsupportedError
WaitTimeoutError ZeppelinClient ZeppelinError apply_patch first_error_line make_patch
"""


def public(thing: object) -> list[str]:
    return sorted(name for name in dir(thing) if not name.startswith("_"))


def modules() -> list[ModuleType]:
    names = [module.name for module in pkgutil.iter_modules(zeppelin_sdk.__path__)]
    return [zeppelin_sdk, *(importlib.import_module(f"zeppelin_sdk.{name}") for name in names)]


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


def test_the_package_exports_these() -> None:
    assert sorted(zeppelin_sdk.__all__) == sorted(PACKAGE.split())
    assert all(hasattr(zeppelin_sdk, name) for name in zeppelin_sdk.__all__)


def test_the_client_has_these_calls() -> None:
    assert public(ZeppelinClient) == sorted(CLIENT.split())


def test_the_follower_and_the_session_have_these_calls() -> None:
    assert public(NoteFollower) == FOLLOWER.split()
    assert public(NoteSession) == sorted([*FOLLOWER.split(), *SESSION.split()])


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.__name__)
def test_everything_public_says_what_it_is(module: ModuleType) -> None:
    assert module.__doc__
    assert list(undocumented(module)) == []


def test_the_package_stands_by_itself() -> None:
    code = "import sys, zeppelin_sdk; print([m for m in sys.modules if m.startswith(('netpie', 'provision'))])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
