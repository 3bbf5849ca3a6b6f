import inspect
import subprocess
import sys

import zeppelin_sdk
from zeppelin_sdk import NoteFollower, ZeppelinClient

CLIENT = """
add_paragraph clone_note close create_note delete_credential delete_note delete_paragraph
execute_paragraph export_note find_note follow get_note get_paragraph get_permissions import_note
interpreter_setting interpreter_settings list_credentials list_notes login move_paragraph note_job note_url
put_credential rename_note restart_interpreter run_note run_paragraph set_permissions stop_note stop_paragraph
ticket update_interpreter_setting update_paragraph update_paragraph_config url version wait_interpreter_ready
wait_paragraph
"""

PACKAGE = """
Credential Event InterpreterError InterpreterSetting InvalidAddressError LoginError LoginRequiredError
NotFoundError NotZeppelinError Note NoteExistsError NoteFollower NoteInfo NoteJob NoteNotFoundError
OutputAppended OutputUpdated Paragraph ParagraphChanged ParagraphError ParagraphJob ParagraphNotFoundError
ParagraphStatus Permissions PermissionDeniedError Progress ResultMessage ServerError ServerVersion Ticket
UnreachableError WaitTimeoutError ZeppelinClient ZeppelinError first_error_line
"""


def public(thing: object) -> list[str]:
    return sorted(name for name in dir(thing) if not name.startswith("_"))


def test_the_package_exports_these() -> None:
    assert sorted(zeppelin_sdk.__all__) == sorted(PACKAGE.split())
    assert all(hasattr(zeppelin_sdk, name) for name in zeppelin_sdk.__all__)


def test_the_client_has_these_calls_and_each_says_what_it_does() -> None:
    assert public(ZeppelinClient) == sorted(CLIENT.split())
    assert all(inspect.getdoc(getattr(ZeppelinClient, name)) for name in public(ZeppelinClient))


def test_the_follower_has_these_calls() -> None:
    assert public(NoteFollower) == ["close", "read"]


def test_the_package_stands_by_itself() -> None:
    code = "import sys, zeppelin_sdk; print([m for m in sys.modules if m.startswith(('netpie', 'provision'))])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
