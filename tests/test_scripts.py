"""The set-up scripts where something is missing: one sentence, exit code 2. (CI itself shows that they work.)"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]
SCRIPTS = ["quickstart.sh", "test.sh"]


@pytest.fixture
def clone(repository: Path, tmp_path: Path) -> Path:
    """What the scripts read, in a folder of its own with a blank in its name."""
    folder = tmp_path / "my clone"
    shutil.copytree(repository / "scripts", folder / "scripts")
    for name in ("pyproject.toml", "constraints.txt"):
        shutil.copy(repository / name, folder)
    return folder


@pytest.fixture
def run(clone: Path, tmp_path: Path) -> Run:
    """Runs a script from another folder, with a package index that cannot be reached."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "TORCH_", "PYTHON"))}

    def call(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", str(clone / "scripts" / script)],
            env={**kept, "PYTHON": sys.executable, "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull, **environment},
            cwd=elsewhere,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
        )

    return call


def interpreter_that_says(folder: Path, statement: str) -> str:
    """This Python, but with `statement` executed before whatever is given with -c."""
    path = folder / "python"
    path.write_text(f"""#!/bin/sh\nexec {sys.executable} -c "import sys; {statement}; exec(sys.argv.pop(1))" "$2"\n""")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("sys.version_info = (3, 9, 2)", "is Python 3.9, which is too old: seqpool needs 3.11 or newer"),
        ("sys.modules['ensurepip'] = None", "Python's venv module is missing: on Debian, apt-get install python3"),
    ],
)
def test_unfit_python(run: Run, clone: Path, tmp_path: Path, script: str, statement: str, message: str) -> None:
    done = run(script, PYTHON=interpreter_that_says(tmp_path, statement))
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (clone / ".venv").exists()


@pytest.mark.parametrize("script", SCRIPTS)
def test_no_python(run: Run, script: str) -> None:
    done = run(script, PYTHON="python3.11-of-nobody")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == ("python3.11-of-nobody is not installed: on Debian, apt-get install python3 python3-venv.\n")


def torch_wheel(folder: Path, requirement: str) -> Path:
    """A wheel of torch's name and tested version that holds nothing."""
    version = requirement.removeprefix("torch==")
    information = f"torch-{version}+cpu.dist-info"
    path = folder / f"torch-{version}+cpu-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{information}/METADATA", f"Metadata-Version: 2.1\nName: torch\nVersion: {version}+cpu\n")
        wheel.writestr(f"{information}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{information}/RECORD", "")
    return path


def test_no_network_then_a_folder_for_torch(run: Run, clone: Path, tmp_path: Path) -> None:
    done = run("quickstart.sh")
    assert done.returncode == 2
    sentence = done.stderr.splitlines()[-1]
    assert sentence.startswith("No torch==")
    assert "TORCH_INDEX" in sentence
    assert "Traceback" not in done.stderr

    requirement = next(
        line for line in (clone / "constraints.txt").read_text().splitlines() if line.startswith("torch==")
    )
    torch_wheel(tmp_path / "elsewhere", requirement)
    done = run("quickstart.sh", TORCH_INDEX=".")  # from where the command is typed
    assert "+cpu: about 190 MB" in done.stderr
    assert list(clone.glob(".venv/lib/python*/site-packages/torch-*+cpu.dist-info"))
    # the other packages are still out of reach
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("pip could not install what seqpool needs")
