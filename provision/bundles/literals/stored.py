"""How a note gets at an entry of Zeppelin's credential store: it reads the entry when it runs, so that no secret is in
any text that Zeppelin or Spark's shell stores.

Older versions named the entry in a pattern, and Zeppelin put the secret into the text that it ran
(CredentialInjector). Such texts go on working, and are brought up to date by `upgraded`.
"""

import json
import re

from provision.bundles.literals.values import Secret
from provision.errors import UsageError

INJECT = "(injectCredentials=true)"
"""The option of a paragraph into which Zeppelin is to put secrets from its credential store (from 0.9)."""

_ENTITY = re.compile(r"[\w-]+", re.ASCII)
_GETTERS = {"user": "getUsername", "password": "getPassword"}
# InterpreterContext is the running paragraph's own, with the entries of the user who runs it (RemoteInterpreterServer
# .convert; Zeppelin 0.8 to 0.13). The context of `z` is that of whichever paragraph of the process began last.
_READ = (
    "scala.util.Try(org.apache.zeppelin.interpreter.InterpreterContext.get.getAuthenticationInfo.getUserCredentials"
    ".getUsernamePassword({entity}).{getter}).getOrElse(scala.sys.error({missing}))"
)
# In Python the context is that of `z`, which Zeppelin keeps under this name too: a group runs one paragraph at a time
# (PythonInterpreter.getScheduler), and py4j's threads have none of their own.
_READ_IN_PYTHON = (
    "(lambda kept: kept.{getter}() if kept else (_ for _ in ()).throw(LookupError({missing})))"
    "(__zeppelin__.getInterpreterContext().getAuthenticationInfo().getUserCredentials().getUsernamePassword({entity}))"
)
_MISSING = "{entity} is not in this user's credential store of Zeppelin: run `provision apply` as this user"

# the patterns of CredentialInjector; up to 0.8 the part came first
_ANY_PATTERN = re.compile(r"\{[^}]+\.(?:user|password)\}")
_OUR_PATTERN = re.compile(
    r"\{(?:(?P<entity>netpie-[\w-]+)\.(?P<part>user|password)|(?P<old_part>user|password)\.(?P<old_entity>netpie-[\w-]+))\}",
    re.ASCII,
)
_OUR_LITERAL = re.compile(f'"{_OUR_PATTERN.pattern}"', re.ASCII)
_READING = re.compile(r"""getUsernamePassword\(\s*["'](?P<entity>netpie-[\w-]+)["']\s*\)""", re.ASCII)


def reading(secret: Secret) -> str:
    """The Scala expression that reads a stored secret; raises `UsageError` for an entry that can't be named in it.

    It fails with one line that names the entry where the user who runs it has none.
    """
    return _reading(_checked(secret.entity), secret.part)


def reading_in_python(secret: Secret) -> str:
    """The Python expression that reads a stored secret, as `reading`."""
    return _reading(_checked(secret.entity), secret.part, _READ_IN_PYTHON)


def _checked(entity: str) -> str:
    if not _ENTITY.fullmatch(entity):
        raise UsageError(
            f"{entity!r} can't name an entry of Zeppelin's credential store",
            next_step="check the APPKEY: it has letters and digits only",
        )
    return entity


def _reading(entity: str, part: str, form: str = _READ) -> str:
    missing = json.dumps(_MISSING.format(entity=entity))
    return form.format(entity=json.dumps(entity), getter=_GETTERS[part], missing=missing)


def entities_in(text: str) -> set[str]:
    """The entries of NETPIE's that a text reads, or has Zeppelin put into it."""
    patterns = {found["entity"] or found["old_entity"] for found in _OUR_PATTERN.finditer(text)}
    return patterns | {found["entity"] for found in _READING.finditer(text)}


def upgraded(text: str) -> str:
    """A text in which older versions had Zeppelin put secrets, with the expressions that read them instead.

    What else Zeppelin is to put into it, as a person may have asked, it still does.
    """
    text = _OUR_LITERAL.sub(
        lambda found: _reading(found["entity"] or found["old_entity"], found["part"] or found["old_part"]), text
    )
    first, newline, body = text.partition("\n")
    if first.endswith(INJECT) and not _ANY_PATTERN.search(body):
        first = first.removesuffix(INJECT)
    return first + newline + body
