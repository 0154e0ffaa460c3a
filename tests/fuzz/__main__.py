"""Fuzzes one target by coverage, with atheris: ``python -m tests.fuzz results --seconds 300``.

Begins with the inputs in ``tests/fuzz/corpus/``. With ``--keep`` it adds those that reach code which none before them
has reached. It prints an input that fails, and exits with 1.
"""

from __future__ import annotations

import argparse
import json
import logging
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

__all__ = ["CORPUS", "read_corpus"]

CORPUS: Final = Path(__file__).parent / "corpus"
_LONGEST: Final = 2048  # bytes of an input
_MEMORY: Final = 2048  # MiB
_SLOWEST: Final = 20  # seconds for one input


def read_corpus(target: str) -> list[bytes]:
    """Return the inputs of *target* in the corpus."""
    lines = (CORPUS / f"{target}.jsonl").read_text("ascii").splitlines()
    return [json.loads(line).encode("latin-1") for line in lines]


def _write_corpus(target: str, folder: Path) -> None:
    inputs = sorted({path.read_bytes() for path in folder.iterdir()}, key=lambda data: (len(data), data))
    CORPUS.mkdir(exist_ok=True)
    lines = "".join(f"{json.dumps(data.decode('latin-1'))}\n" for data in inputs)
    (CORPUS / f"{target}.jsonl").write_text(lines, "ascii")
    print(f"{target}: {len(inputs)} inputs, {sum(map(len, inputs)):,} bytes")


def _fuzz(target: str, options: list[str]) -> None:
    """Fuzz in this process, which atheris ends."""
    import atheris

    with atheris.instrument_imports(include=["typedtrack"]):
        from tests.fuzz.targets import TARGETS
    logging.disable(logging.CRITICAL)
    atheris.Setup([sys.argv[0], *options], TARGETS[target])
    atheris.Fuzz()


def main(arguments: list[str]) -> int:
    """Fuzz a target; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="write what was found to the corpus")
    if arguments[:1] == ["--here"]:
        _fuzz(arguments[1], arguments[2:])
    given = parser.parse_args(arguments)
    from tests.fuzz.targets import SEEDS

    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "found"
        found.mkdir()
        known = read_corpus(given.target) if (CORPUS / f"{given.target}.jsonl").exists() else []
        for number, data in enumerate([*SEEDS[given.target], *known]):
            (found / f"{number}").write_bytes(data)
        here = [sys.executable, "-m", "tests.fuzz", "--here", given.target, f"-artifact_prefix={folder}/failed-"]
        limits = [f"-max_len={_LONGEST}", f"-rss_limit_mb={_MEMORY}", f"-timeout={_SLOWEST}", f"-seed={given.seed}"]
        run = subprocess.run([*here, *limits, f"-max_total_time={given.seconds}", str(found)], check=False)
        for path in Path(folder).glob("failed-*"):
            print(f"{path.name}: {path.read_bytes()!r}")
        if given.keep and run.returncode == 0:
            _write_corpus(given.target, found)
    return run.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
