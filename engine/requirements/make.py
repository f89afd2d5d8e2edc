"""Writes cpu.txt, cuda.txt and onnx-cuda.txt: what `deno task engine install` installs, each version pinned with its
wheels' digests.

python3 make.py --tensorflow 2.21.0 --onnxruntime 1.30.0

Writes those of the versions that are given. Asks pip what it would install for each platform; nothing is installed. Of
their own dependencies only NVIDIA's libraries are kept: the others are for their Python halves.
"""
import argparse
import json
import pathlib
import subprocess
import sys

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
        if name.startswith(("nvidia-", "tensorflow", "onnxruntime")):
            yield name, item["metadata"]["version"], item["download_info"]["archive_info"]["hashes"]["sha256"]


def lines(entries, marker=""):
    return [f"{name}=={version}{marker} --hash=sha256:{digest}" for name, version, digest in entries]


def write(file, entries):
    (pathlib.Path(__file__).parent / file).write_text("\n".join(entries) + "\n")


parser = argparse.ArgumentParser()
parser.add_argument("--tensorflow")
parser.add_argument("--onnxruntime", help="as deno.json has it of npm")
options = parser.parse_args()
on = ' ; platform_machine == "{}"'.format
if options.tensorflow:
    cpu = (
        lines(wheels(f"tensorflow-cpu=={options.tensorflow}", X86), on("x86_64"))
        + lines(wheels(f"tensorflow=={options.tensorflow}", ARM), on("aarch64"))
        + lines(wheels(f"tensorflow=={options.tensorflow}", MAC), on("arm64"))
    )
    write("cpu.txt", cpu)
    write("cuda.txt", lines(wheels(f"tensorflow[and-cuda]=={options.tensorflow}", X86)))
if options.onnxruntime:
    write("onnx-cuda.txt", lines(wheels(f"onnxruntime-gpu[cuda,cudnn]=={options.onnxruntime}", X86)))
