"""The wheel and the source distribution work in an environment of their own, with one extra or none."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path
from venv import EnvBuilder

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = os.environ.get("TYPEDTRACK_TEST_PACKAGES")  # the folder with a wheel and a source distribution
CONSTRAINTS = ROOT / "constraints.txt"

pytestmark = pytest.mark.skipif(FOLDER is None, reason="`make test-packages` builds and installs the packages")

CORE = """
import pydoc
from typing import Annotated
from msgspec import Meta
import typedtrack
from typedtrack import *

pydoc.render_doc(typedtrack)

@record
class Evaluation:
    accuracy: Annotated[float, Meta(ge=0, le=1)]

@key("trial_{number}")
class Trial(KeyTemplate[Evaluation]):
    number: int

tracker = open_tracker("results")
tracker.typed(Trial)[Trial(1)] = Evaluation(accuracy=0.5)
assert tracker["trial_1"] == {"accuracy": 0.5}
with tracker.attempt("trial_2"):
    tracker["trial_2"] = {"loss": 1}
tracker.archive("sweep.ndjson")
assert len(open_tracker("sweep.ndjson")) == 2
memory = open_tracker("memory://results")
memory["a"] = {"x": 1}
assert memory["a"] == {"x": 1}
print(typedtrack.__version__)
"""
ARROW = """
from arro3.io import read_parquet
from typedtrack import open_tracker

tracker = open_tracker("results")
tracker.put_many({f"trial_{number}": {"loss": 1 / number} for number in range(1, 4)})
tracker.frame().write("results.parquet")
assert read_parquet("results.parquet").read_all().num_rows == 3
tracker.frame().report("results.html", by="loss")
page = open("results.html", encoding="utf-8").read()
assert len(page) > 400_000 and "trial_3" in page
"""
COMMANDS = """
import subprocess, sys
from pathlib import Path

program = Path(sys.executable).with_name("typedtrack")

def run(*arguments):
    return subprocess.run([program, *arguments], check=True, capture_output=True, text=True).stdout

run("put", "results", "a", "accuracy=0.5")
assert run("get", "results", "a", "accuracy") == "0.5\\n"
assert run("ls", "results") == "a\\n"
assert "put" in run("--help")
"""
SUITE = """
import subprocess, sys
from pathlib import Path

Path("test_tracker.py").write_text('''
import pytest
from typedtrack import FsspecResultTracker, ResultTracker
from typedtrack.testing import ResultTrackerSuite

class TestTracker(ResultTrackerSuite):
    @pytest.fixture
    def tracker(self, tmp_path) -> ResultTracker:
        return FsspecResultTracker(tmp_path)
''')
subprocess.run([sys.executable, "-m", "pytest", "-q", "test_tracker.py", "-k", "test_wait"], check=True)
"""
OPTUNA = """
import optuna
from optuna.storages import JournalStorage
from typedtrack import open_tracker
from typedtrack.integrations.optuna import JournalBackend

storage = JournalStorage(JournalBackend(open_tracker("study"), "search"))
study = optuna.create_study(storage=storage, study_name="search")
study.optimize(lambda trial: trial.suggest_float("x", -1, 1) ** 2, n_trials=3)
assert len(optuna.load_study(storage=storage, study_name="search").trials) == 3
"""
HYDRA = """
import subprocess, sys
from pathlib import Path
from typedtrack import open_tracker

Path("app.py").write_text('''
import hydra

@hydra.main(version_base=None, config_path=".", config_name="config")
def main(config):
    return {"loss": config.lr / 2}

main()
''')
Path("config.yaml").write_text('''
lr: 1.0
hydra:
  callbacks:
    typedtrack:
      _target_: typedtrack.integrations.hydra.ReturnResult
      tracker_base: results
      key: sweep/{hydra.job.num}
''')
subprocess.run([sys.executable, "app.py", "-m", "lr=0.5,2"], check=True)
assert dict(open_tracker(Path("results").absolute()).items()) == {"sweep/0": {"loss": 0.25}, "sweep/1": {"loss": 1.0}}
"""


def _client(base: str) -> str:
    """Return a program that imports the client of *base*, and asks no server."""
    return f"import typedtrack\ntypedtrack.FsspecResultTracker({base!r})\ntypedtrack.open_tracker({base!r})"


EXTRAS = {
    "arrow": ARROW,
    "azure": _client("az://container/results"),
    "cli": COMMANDS,
    "gcs": _client("gs://bucket/results"),
    "hydra": HYDRA,
    "obstore": "\n".join(
        f"import typedtrack\ntypedtrack.open_tracker('{scheme}://b/r')" for scheme in ("s3", "gs", "az")
    ),
    "optuna": OPTUNA,
    "s3": _client("s3://bucket/results"),
    "sftp": _client("sftp://host/results"),
    "testing": SUITE,
}
ABSENT = {  # a program for each extra, which raises where the extra is not installed
    "arrow": "import typedtrack; typedtrack.open_tracker('results').frame().write('results.parquet')",
    "cli": "import typedtrack.cli; typedtrack.cli.main()",
    "testing": "import typedtrack.testing",
    "optuna": "import typedtrack.integrations.optuna",
    "hydra": "import typedtrack.integrations.hydra",
    "ax": "import typedtrack.integrations.ax",
    "azure": "import typedtrack; typedtrack.open_tracker('az://container/results')",
    "gcs": "import typedtrack; typedtrack.open_tracker('gs://bucket/results')",
    "s3": "import typedtrack; typedtrack.open_tracker('s3://bucket/results')",
    "sftp": "import typedtrack; typedtrack.open_tracker('sftp://host/results')",
}


def _package(ending: str) -> Path:
    """Return the one package in the folder whose name has this *ending*."""
    assert FOLDER is not None
    (package,) = (ROOT / FOLDER).glob(f"*{ending}")
    return package


class Machine:
    """A machine that has Python, a shell and a fresh virtual environment, but no Node.js."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "work"
        self.folder.mkdir()
        programs = folder / "programs"
        programs.mkdir()
        (programs / "sh").symlink_to("/bin/sh")
        EnvBuilder(symlinks=True).create(folder / "environment")
        self.python = folder / "environment" / "bin" / "python"
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "PYTEST", "PYTHON"))}
        self.environment = {**kept, "PATH": str(programs)}

    def run(self, *arguments: str | Path, python: str | Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run the environment's Python, or another one, with *arguments*."""
        command = [python or self.python, *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )

    def succeed(self, *arguments: str | Path) -> str:
        """Return what Python prints; it must end well."""
        return _output(self.run(*arguments))

    def pip(self, *arguments: str | Path) -> str:
        """Return the output of the tests' own pip, which installs into the environment; the environment has no pip."""
        options: list[str | Path] = ["-m", "pip", "--disable-pip-version-check", "--python", self.python]
        return _output(self.run(*options, *arguments, python=sys.executable))

    def install(self, package: Path, extra: str = "") -> None:
        """Install *package* with *extra*."""
        requirement = f"typedtrack{extra and f'[{extra}]'} @ {package.as_uri()}"
        options: list[str | Path] = ["--quiet", "--constraint", CONSTRAINTS, "--build-constraint", CONSTRAINTS]
        if package.suffix == ".gz":  # pip keeps the wheel it builds of a source distribution by its path alone
            options.append("--no-cache-dir")
        self.pip("install", *options, requirement)


def _output(ended: subprocess.CompletedProcess[str]) -> str:
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Return a machine on which nothing is installed."""
    return Machine(tmp_path)


def test_no_extra(machine: Machine) -> None:
    """The core serves local and memory bases; anything more names the extra that it needs, or the module."""
    machine.install(_package(".whl"))
    assert machine.succeed("-W", "error", "-c", CORE) == "0.1.0\n"
    installed = machine.pip("list", "--format=freeze").split()
    core = {"attrs", "cattrs", "fsspec", "msgspec", "typedtrack", "typing_extensions"}
    assert {line.partition("=")[0] for line in installed} == core
    for extra, program in ABSENT.items():
        ended = machine.run("-c", program)
        assert ended.returncode != 0
        assert f"pip install 'typedtrack[{extra}]'" in ended.stderr.splitlines()[-1], extra


@pytest.mark.parametrize("extra", EXTRAS)
def test_extra(machine: Machine, extra: str) -> None:
    """One extra alone brings all that its part needs."""
    machine.install(_package(".whl"), extra)
    machine.succeed("-c", EXTRAS[extra])


def test_source_distribution(machine: Machine) -> None:
    """The source distribution builds the same wheel, without Node.js on the machine, and without git."""
    with zipfile.ZipFile(_package(".whl")) as wheel:
        files = {name: wheel.read(name) for name in wheel.namelist() if not name.endswith("RECORD")}
    machine.install(_package(".tar.gz"), "arrow")
    machine.succeed("-c", ARROW)
    site = Path(machine.succeed("-c", "import typedtrack; print(typedtrack.__path__[0])").strip()).parent
    for name, content in files.items():
        assert (site / name).read_bytes() == content, name


def test_contents() -> None:
    """The wheel holds the package with its types, the report's script and its licences, and no tests."""
    with zipfile.ZipFile(_package(".whl")) as wheel:
        names = set(wheel.namelist())
    assert {
        "typedtrack/py.typed",
        "typedtrack/report/bundle/report.js",
        "typedtrack/report/bundle/LICENSES.txt",
    } <= names
    assert {name.partition("/")[0] for name in names} == {"typedtrack", "typedtrack-0.1.0.dist-info"}
    with tarfile.open(_package(".tar.gz")) as source:
        tracked = {name.partition("/")[2] for name in source.getnames()}
    assert {"README.md", "CHANGELOG.md", "LICENSE", "pyproject.toml", "hatch_build.py", "tests/conftest.py"} <= tracked


def test_metadata() -> None:
    """The package's page has addresses, and its text links to nothing that only the repository has beside it."""
    with zipfile.ZipFile(_package(".whl")) as wheel:
        metadata = Parser().parsestr(wheel.read("typedtrack-0.1.0.dist-info/METADATA").decode())
    labels = {line.partition(",")[0] for line in metadata.get_all("Project-URL", [])}
    assert labels == {"Changelog", "Documentation", "Issues", "Source"}
    text = metadata.get_payload()
    assert isinstance(text, str)
    targets = re.findall(r"\]\(([^)]*)\)", text)
    assert len(targets) > 10
    assert all(target.startswith(("https://", "#")) for target in targets), targets
    for target in targets:
        _, found, path = target.partition("/typedtrack/typedtrack/")
        if found:  # a file of the repository: "blob/v0.1.0/docs/records.md"
            assert (ROOT / re.sub(r"^(blob/)?v0\.1\.0/|#.*", "", path)).is_file(), target
    assert metadata["Requires-Python"] == ">=3.11"
    assert f"Programming Language :: Python :: 3.{sys.version_info.minor}" in metadata.get_all("Classifier", [])
