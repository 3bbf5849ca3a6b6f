from pathlib import Path

import pytest

from provision.cli import run


def test_a_folder_that_is_no_spark_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = run(["jar", "--spark-home", str(tmp_path)])

    assert status == 1
    assert "is not a Spark home" in capsys.readouterr().err
