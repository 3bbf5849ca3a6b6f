"""An editor of one paragraph's text: CodeMirror, with the whole text told at each change.

NiceGUI's own element tells changes alone, relative to a text that the server may just have replaced. Here the
browser tells its whole text, and takes another one only for the text that it still has: nothing that is typed meanwhile
is lost.
"""

import json
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from nicegui import ui
from nicegui.events import GenericEventArguments

from provision.page.shell import Theme

_LANGUAGES = {
    "conf": "Properties files",
    "ipyspark": "Python",
    "md": "Markdown",
    "pyspark": "Python",
    "python": "Python",
    "r": "R",
    "sh": "Shell",
    "spark": "Scala",
    "sql": "SQL",
}
_DIRECTIVE = re.compile(r"\s*%([\w-]+(?:\.[\w-]+)*)")


def language_of(text: str) -> str:
    """What CodeMirror calls the language of a paragraph; empty where its directive tells none."""
    found = _DIRECTIVE.match(text)
    names = found[1].lower().split(".") if found else []
    return next((_LANGUAGES[name] for name in reversed(names) if name in _LANGUAGES), "")


class Editor(ui.codemirror):
    """`on_text` gets the whole text; Shift-Enter calls `on_run`, as in Zeppelin's page, and leaving it `on_leave`."""

    def __init__(
        self,
        text: str,
        *,
        directive: str,
        label: str,
        theme: Theme,
        read_only: bool,
        on_text: Callable[[str], None],
        on_run: Callable[[], None],
        on_leave: Callable[[], None],
    ) -> None:
        self._whole = text
        keys: Any = None if read_only else {"Shift-Enter": lambda _: on_run(), "Mod-Enter": lambda _: on_run()}
        super().__init__(text, line_wrapping=True, keymap=keys, language=language_of(directive) or None)  # type: ignore[arg-type]
        self._theme, self._on_text = theme, on_text
        self._recolour()
        theme.on_change.append(self._recolour)
        if read_only:
            self.disable()
        self._label(label)
        if read_only:
            return
        whole = f"() => emit(getElement({self.id}).editor.state.doc.toString())"
        self.on("update:value", self._told, js_handler=whole, throttle=0.15)
        self.on("focusout", on_leave)

    def _label(self, label: str) -> None:
        self.props["aria-label"] = label
        self.props["role"] = "group"

    def _event_args_to_value(self, e: GenericEventArguments) -> str:
        return self._whole  # the changes alone are not applied

    def _told(self, event: GenericEventArguments) -> None:
        self._hold(str(event.args))
        self._on_text(self._whole)

    def _hold(self, text: str) -> None:
        """The browser has this text; nothing is sent to it."""
        self._whole = text
        self._send_update_on_value_change = False
        self.value = text
        self._send_update_on_value_change = True

    async def replace(self, before: str, text: str) -> bool:
        """Have the browser show `text` if it still shows `before`; returns whether it does."""
        code = (
            f"(() => {{ const e = getElement({self.id}); if (!e?.editor || "
            f"e.editor.state.doc.toString() !== {json.dumps(before)}) return false; "
            f"e.setEditorValue({json.dumps(text)}); return true; }})()"
        )
        with suppress(TimeoutError):
            if await self.client.run_javascript(f"return {code}", timeout=5):
                self._hold(text)
                return True
        return False

    def _recolour(self) -> None:
        self.props["theme"] = "vscodeDark" if self._theme.is_dark else "githubLight"
