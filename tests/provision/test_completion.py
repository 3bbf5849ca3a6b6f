"""Completion in a shell, as docs/scripting.md turns it on."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "scripting.md").read_text(encoding="utf-8")


def bash(script: str, folder: Path) -> str:
    """What a bash prints in which `provision` is this one."""
    program = folder / "bin" / "provision"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m provision "$@"\n')
    program.chmod(0o755)
    environment = {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}", "PROVISION_HOME": str(folder)}
    done = subprocess.run(
        ["bash", "--norc", "-ec", script], env=environment, cwd=folder, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("ap", "apply"),
        ("creds re", "refresh revoke"),
        ("apply --th", "--theirs --theirs-of"),
        ("apply --bundle cl", "classic"),
        ("publish --format j", "json"),
        ("apply --ca", "--cache-dir --ca-file"),
    ],
)
def test_the_line_of_the_documentation_completes_in_bash(tmp_path: Path, typed: str, completed: str) -> None:
    line = re.search(r"^eval .*bash_source.*$", PAGE, re.MULTILINE)
    assert line
    words = f"provision {typed}".split()
    script = f"""
        {line[0]}
        complete -p provision | grep -q -- '-F _provision_completion provision'
        COMP_WORDS=({" ".join(words)}) COMP_CWORD={len(words) - 1}
        _provision_completion provision
        echo "${{COMPREPLY[@]}}"
    """
    assert bash(script, tmp_path).split() == completed.split()


@pytest.mark.parametrize(("shell", "word"), [("zsh", "#compdef provision"), ("fish", "complete --no-files --command")])
def test_other_shells_have_a_script_of_their_own(tmp_path: Path, shell: str, word: str) -> None:
    assert f"PROVISION_COMPLETE={shell}_source provision" in PAGE
    assert word in bash(f"PROVISION_COMPLETE={shell}_source provision", tmp_path)


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ("COMP_WORDS='provision creds re' COMP_CWORD=2 PROVISION_COMPLETE=zsh_complete", "refresh"),
        ("COMP_WORDS='provision creds re' COMP_CWORD=re PROVISION_COMPLETE=fish_complete", "plain,refresh"),
    ],
)
def test_other_shells_are_answered(tmp_path: Path, environment: str, said: str) -> None:
    assert said in bash(f"{environment} provision", tmp_path)
