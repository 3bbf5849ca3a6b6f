"""Writes the tables of `docs/parameters.md` from the bundles: `python -m docs.parameters`."""

from pathlib import Path

from provision.bundles.bundle import Bundle, bundle_names, load_bundle
from provision.bundles.parameters import Parameter

PAGE = Path(__file__).with_suffix(".md")
BEGIN, END = "<!-- {name}: written by docs/parameters.py -->\n", "<!-- end -->\n"
LEFT_OUT = ("appid",)
"""Parameters that nobody gives with `--param`."""
KINDS = {
    "broker": "`tcp://HOST:PORT`, `ssl://HOST:PORT`",
    "columns": "columns' names",
    "coordinate": "`GROUP:ARTIFACT:VERSION`",
    "file": "an absolute path",
    "files": "absolute paths",
    "folder": "an absolute path, a URL",
    "master": "a URL of Spark's",
    "properties": "`NAME=VALUE,…`",
    "mapping": "`COLUMN=SOURCE, …`",
    "schema": "`NAME TYPE, …`",
    "topic": "a topic",
    "topics": "topics",
    "outputs": "outputs' names",
    "url": "an address",
}
"""What a parameter of a type takes; a type that is not here stands for itself."""


def rewritten(page: str) -> str:
    """`page` with the tables as the bundles are now; raises ValueError for a bundle that has no place in it."""
    for name in bundle_names():
        begin = BEGIN.format(name=name)
        before, found, rest = page.partition(begin)
        if not found:
            raise ValueError(f"{PAGE.name} has no line {begin.strip()}")
        page = before + begin + table(load_bundle(name)) + END + rest.partition(END)[2]
    return page


def table(bundle: Bundle) -> str:
    """The bundle's parameters, a row each."""
    rows = [row(each, bundle.embedded.get(name)) for name, each in bundle.parameters.items() if name not in LEFT_OUT]
    return "\n".join(["| parameter | default | values | |", "|---|---|---|---|", *rows]) + "\n"


def row(parameter: Parameter, embedded: str | None = None) -> str:
    """One parameter as a line of the table; `embedded` is its default on the embedded stack, where that has another."""
    usual = default(parameter) + (f"; `{embedded}` on the embedded stack" if embedded else "")
    where = f"With `outputs={parameter.output}`: " if parameter.output else ""
    cells = (f"`{parameter.name}`", usual, values(parameter), where + parameter.help.replace("|", "\\|"))
    return f"| {' | '.join(cells)} |"


def default(parameter: Parameter) -> str:
    """What the parameter is without `--param`."""
    value = parameter.default
    if value is None:
        return "to be given"
    text = ",".join(value) if isinstance(value, list) else str(value)
    return f"`{text}`" if text else "none"


def values(parameter: Parameter) -> str:
    """What the parameter takes."""
    if parameter.choices:
        return ", ".join(f"`{choice}`" for choice in parameter.choices)
    if parameter.minimum is None:
        return KINDS.get(parameter.type, parameter.type)
    bounds = f"{parameter.minimum:,} to {parameter.maximum:,}" if parameter.maximum else f"from {parameter.minimum:,}"
    return f"{bounds}, a multiple of `{parameter.multiple_of}`" if parameter.multiple_of else bounds


if __name__ == "__main__":
    PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
