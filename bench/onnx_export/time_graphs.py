"""Times a network as this project writes it as ONNX beside the graphs that PyTorch exports, in turns, on ONNX Runtime.

    python3 bench/onnx_export/time_graphs.py FOLDER MODEL.onnx ROUNDS

FOLDER is the model's own. Prints {"versions", "differences": {graph: number}, "seconds": {graph: {rows: [...]}}}.
"""

import importlib.util
import json
import pathlib
import sys
import tempfile
import time
import warnings

import diffusers
import numpy as np
import onnxruntime
import torch

folder, file, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
warnings.filterwarnings("ignore")

ROWS = [1, 4, 16]
# A turn: this many calls in a row, or as many as fit into its seconds.
TURN_CALLS, TURN_SECONDS = 5, 2

unet = diffusers.UNet2DModel.from_pretrained(folder, subfolder="unet").eval()
NAMES = ["sample", "timestep"] + ([] if unet.config.num_class_embeds is None else ["class_labels"])


class Network(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.unet = unet

    def forward(self, sample, timestep, class_labels=None):
        return self.unet(sample, timestep, class_labels).sample


def inputs_of(rows):
    random = np.random.default_rng(rows)
    size = unet.config.sample_size
    values = [random.standard_normal((rows, unet.config.in_channels, size, size), np.float32), np.full(rows, 500)]
    return dict(zip(NAMES, [*values, np.zeros(rows, np.int64)]))


def export(path, dynamo):
    """Writes the network by PyTorch, for batches of any size."""
    examples = tuple(torch.from_numpy(value) for value in inputs_of(2).values())
    if dynamo:
        sizes = {"dynamic_shapes": {name: {0: torch.export.Dim("batch")} for name in NAMES}}
    else:
        sizes = {"dynamic_axes": {name: {0: "batch"} for name in [*NAMES, "out_sample"]}}
    torch.onnx.export(
        Network().eval(), examples, path, input_names=NAMES, output_names=["out_sample"], opset_version=18, dynamo=dynamo,
        **sizes,
    )


def turn(session, inputs):
    """Seconds of calls that follow each other, behind one that is not counted."""
    seconds = []
    for call in range(TURN_CALLS + 1):
        started = time.perf_counter()
        session.run(["out_sample"], inputs)
        if call > 0:
            seconds.append(time.perf_counter() - started)
        if sum(seconds) > TURN_SECONDS:
            break
    return seconds


with tempfile.TemporaryDirectory() as scratch:
    files = {"denoise": file}
    for name, dynamo in {"torch, legacy": False, "torch, dynamo": True}.items():
        if dynamo and importlib.util.find_spec("onnxscript") is None:
            print("left out: torch, dynamo: onnxscript is not installed", file=sys.stderr)
            continue
        files[name] = str(pathlib.Path(scratch, f"{int(dynamo)}.onnx"))
        export(files[name], dynamo)
    sessions = {name: onnxruntime.InferenceSession(path) for name, path in files.items()}

with torch.inference_mode():
    expected = Network()(*(torch.from_numpy(value) for value in inputs_of(4).values())).numpy()
differences = {
    name: float(np.abs(session.run(["out_sample"], inputs_of(4))[0] - expected).max() / np.abs(expected).max())
    for name, session in sessions.items()
}

seconds = {name: {rows: [] for rows in ROWS} for name in sessions}
for rows in ROWS:
    inputs = inputs_of(rows)
    for _ in range(rounds):
        for name, session in sessions.items():
            # Threads of the one before may still spin.
            time.sleep(0.25)
            seconds[name][rows] += turn(session, inputs)

versions = f"onnxruntime {onnxruntime.__version__}, torch {torch.__version__}, diffusers {diffusers.__version__}"
print(json.dumps({"versions": versions, "differences": differences, "seconds": seconds}))
