"""Which files run after each other, in which process."""

STREAMING = [
    "bad_input",
    "recovery",
    "streaming_note",
    "streaming_outputs",
    "example_bundle",
    "project",
    "logs",
    "page",
    "person",
    "sdk_contract",
    "readme_steps",
    "each",
    "cluster",
    "secrets_left",
]
OTHERS = [
    "python",
    "structured_note",
    "structured_recovery",
    "structured_spark3",
    "own_broker",
    "netpie2020",
    "demo",
    "cli_note",
    "numbers",
    "loopback",
    "proxy",
    "secrets",
]
"""Two processes, each with an embedded Zeppelin, take a list each, and then the other folders' tests. Any order passes.
In these, files whose notes want the same Spark follow each other: most of the time goes into starting another.

`python` has a Spark of its own. The document's note runs from the second half of `demo` to the first of `numbers`.
`proxy`, `secrets` and `secrets_left` come last, to look at what the others have left. The last two are in different
processes: `secrets` writes some into notes.
"""
