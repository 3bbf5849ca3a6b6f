"""What counts: the command line, then the environment, then the project file's target, then the file itself.

Some options make sense together only. Where the command line or the environment gives one of them, what the project
file says of the others was meant for something else, and gives way.
"""

from collections.abc import Collection

from provision.platforms import all_fields

_EVENTS = ("hosts", "file", "message")

_GIVES_WAY: dict[str, tuple[str, ...]] = {
    # a password is not sent to another server than the one that the file names it for
    "user": ("zeppelin",),
    "password-file": ("zeppelin", "user"),
    "ca-file": ("zeppelin",),
    "each": ("NOTE", "note"),
    "run": ("NOTE", "note"),
    "isolate": ("NOTE", "note"),
    "shared": ("NOTE", "note"),
    "note": ("each",),
    "hosts": _EVENTS,
    "file": _EVENTS,
    "message": _EVENTS,
    "id": _EVENTS,
    "every": ("file", "message", "rate"),
    "rate": ("every", "message"),
    "seed": ("file", "message"),
    "loop": ("hosts", "message"),
    "format": ("hosts", "message"),
}
"""Option of the file -> the options and arguments before which it gives way."""


def gives_way_to(option: str) -> Collection[str]:
    """The options and arguments before which the project file's value gives way.

    What names an account, or says where its secrets are, is of one account.
    """
    account = {each.option.lstrip("-") for each in all_fields().values() if each.option and not each.is_server}
    account.add("credentials-file")
    is_of_account = option in account or option in ("secret-file", "platform")
    return account - {option} if is_of_account else _GIVES_WAY.get(option, ())


AS_PARAMETER = {"spark-master": "spark_master", "spark-property": "spark_properties"}
"""Options that give a parameter of the bundle, which `--param` can give too."""
