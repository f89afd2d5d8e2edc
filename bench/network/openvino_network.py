"""OpenVINO on the file that `deno task export --format onnx` writes; contender.ts has the protocol.

    python3 bench/network/openvino_network.py f32|bf16 FILE FOLDER

FILE is the `.onnx`, FOLDER the diffusers model's. bf16 needs a processor that computes it; OpenVINO takes float32
where there is none, and says so.
"""

import json
import os
import sys
import time
from pathlib import Path

import numpy
import openvino

precision, file, folder = sys.argv[1:]
config = json.loads((Path(folder) / "unet" / "config.json").read_text())
channels, side = config["in_channels"], config["sample_size"]
core = openvino.Core()
compiled = core.compile_model(
    file, "CPU", {"INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"}
)
requests = compiled.create_infer_request()
random = numpy.random.default_rng(1)


def infer(x, timestep):
    inputs = {"sample": x, "timestep": numpy.full(len(x), timestep, numpy.int64)}
    if config.get("num_class_embeds") is not None:
        inputs["class_labels"] = numpy.zeros(len(x), numpy.int64)
    return requests.infer(inputs)["out_sample"]


def step(rows):
    x = random.standard_normal((rows, channels, side, side), numpy.float32)
    started = time.perf_counter()
    infer(x, 500)
    return time.perf_counter() - started


def evaluate(pixels, timestep):
    """One image and its output as lists, NHWC."""
    x = numpy.asarray(pixels, numpy.float32).reshape(1, side, side, channels).transpose(0, 3, 1, 2)
    return infer(numpy.ascontiguousarray(x), timestep).transpose(0, 2, 3, 1).flatten().tolist()


def resident_bytes():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


step(1)
used = compiled.get_property("INFERENCE_PRECISION_HINT").to_string()
print(json.dumps({"description": f"openvino {openvino.__version__}, {used}"}), flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    if asked["operation"] == "evaluate":
        answer = {"epsilon": evaluate(asked["x"], asked["timestep"])}
    else:
        answer = {"seconds": step(asked["rows"]), "residentBytes": resident_bytes()}
    print(json.dumps(answer), flush=True)
