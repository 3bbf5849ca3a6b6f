"""Where the rows of windows go: an output each, several at once, none of which stops another or the stream.

A folder here is an output: `output.toml` says what it is and which parameters it has, `paragraph.LANGUAGE` is its
paragraph of a note, and the module is what that paragraph calls. A note in Python brings the package along, as
`note_outputs`.
"""

from ._outputs import Outputs

__all__ = ["Outputs"]
