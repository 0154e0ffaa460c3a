"""Import the runs of a folder of MLflow, ``mlruns``: each becomes one result, of its parameters and its last metrics.

``python import_mlruns.py mlruns s3://bucket/results``
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from typedtrack import Value, open_tracker


def main(mlruns: str, tracker_base: str) -> None:
    """Store each run under the key ``mlflow/EXPERIMENT/RUN``, a failed one without metrics as a failure."""
    tracker = open_tracker(tracker_base)
    for meta in sorted(Path(mlruns).glob("*/*/meta.yaml")):
        run = meta.parent
        key = f"mlflow/{run.parent.name}/{run.name}"
        parameters = {f"param/{name}": _value(text) for name, text in _files(run / "params")}
        metrics = {name: _value(_last_line(text)[1]) for name, text in _files(run / "metrics") if text}
        if parameters or metrics:
            tracker[key] = parameters | metrics
        else:
            tracker.fail(key, "the run of MLflow has neither parameters nor metrics")


def _files(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.relative_to(folder).as_posix(), path.read_text(encoding="utf-8")


def _last_line(text: str) -> list[str]:
    lines = [line.split() for line in text.splitlines()]  # time, value, step
    return max(lines, key=lambda line: (int(line[2]), int(line[0])))


def _value(text: str) -> Value:
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            pass
    return text


if __name__ == "__main__":
    main(*sys.argv[1:])
