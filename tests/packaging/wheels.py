# SPDX-License-Identifier: BSD-3-Clause
"""Tiny wheels that stand in for the real requirements, so that `dev` is tested in seconds."""

import base64
import hashlib
import zipfile
from pathlib import Path


def write_wheel(folder: Path, name: str, program: str) -> str:
    """Write NAME-1 into the folder; it installs one program that prints its name and arguments.

    Returns the line that locks it.
    """
    path = folder / f"{name}-1-py3-none-any.whl"
    files = {
        f"{name}.py": (
            "import os, sys\n"
            f"def main():\n    print('{program}', *sys.argv[1:], 'in', os.getcwd())\n"
        ),
        f"{name}-1.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n",
        f"{name}-1.dist-info/WHEEL": (
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        ),
        f"{name}-1.dist-info/entry_points.txt": f"[console_scripts]\n{program} = {name}:main\n",
    }
    record = "".join(f"{file},sha256={_digest(text)},{len(text)}\n" for file, text in files.items())
    files[f"{name}-1.dist-info/RECORD"] = f"{record}{name}-1.dist-info/RECORD,,\n"
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in files.items():
            archive.writestr(zipfile.ZipInfo(file), text)  # without the time: the hash stays
    return f"{name}==1 --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
