"""The errors of the emulator. Each is one line: the thing, the cause, and the next step.

EmulatorError                1  failed
├── StateError               1  the state file can't be read or written, or is not the emulator's
├── PortError                1  a port can't be listened on
└── netpie2020.DevicesError  1  the file of devices can't be read or written, or is not one
"""

from typing import ClassVar


class EmulatorError(Exception):
    """The emulator failed; `message` says what and why, `next_step` what to do."""

    kind: ClassVar[str] = "emulator"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step


class StateError(EmulatorError):
    """The state file can't be read or written, or is not the emulator's."""

    kind = "emulator_state"


class PortError(EmulatorError):
    """A port can't be listened on."""

    kind = "port"
