"""Writes cpu.txt and cuda.txt: what `deno task engine install` installs, each version pinned with its wheels' digests.

python3 make.py 2.21.0

Asks pip what it would install for each platform; nothing is installed. Of TensorFlow's own dependencies only NVIDIA's
libraries are kept: the others are for its Python half.
"""
import json
import pathlib
import subprocess
import sys

VERSION = sys.argv[1]
LINUX = (28, 27, 26, 24, 17, 12, 5)
X86 = [f"manylinux_2_{n}_x86_64" for n in LINUX] + ["manylinux2014_x86_64", "manylinux2010_x86_64", "manylinux1_x86_64"]
ARM = [f"manylinux_2_{n}_aarch64" for n in LINUX] + ["manylinux2014_aarch64"]
MAC = ["macosx_12_0_arm64"]


def wheels(requirement, platforms):
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet", "--report", "-"]
    command += ["--only-binary=:all:", "--python-version", "3.12", "--implementation", "cp", "--target", "none"]
    command += [word for platform in platforms for word in ("--platform", platform)] + [requirement]
    report = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    for item in report["install"]:
        name = item["metadata"]["name"].replace("_", "-")
        if name.startswith(("nvidia-", "tensorflow")):
            yield name, item["metadata"]["version"], item["download_info"]["archive_info"]["hashes"]["sha256"]


def lines(entries, marker=""):
    return [f"{name}=={version}{marker} --hash=sha256:{digest}" for name, version, digest in entries]


here = pathlib.Path(__file__).parent
on = ' ; platform_machine == "{}"'.format
cpu = (
    lines(wheels(f"tensorflow-cpu=={VERSION}", X86), on("x86_64"))
    + lines(wheels(f"tensorflow=={VERSION}", ARM), on("aarch64"))
    + lines(wheels(f"tensorflow=={VERSION}", MAC), on("arm64"))
)
cuda = lines(wheels(f"tensorflow[and-cuda]=={VERSION}", X86))
(here / "cpu.txt").write_text("\n".join(cpu) + "\n")
(here / "cuda.txt").write_text("\n".join(cuda) + "\n")
