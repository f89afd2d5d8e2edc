"""The peer's side of the comparison: diffusers' UNet2DModel on PyTorch; contender.ts has the protocol.

    python3 bench/network/pytorch.py contiguous|channels_last|bfloat16|compile step|train FOLDER

bfloat16 is autocast, compile is torch.compile; both with the memory layout channels_last. compile needs a C++ compiler.
"""

import contextlib
import json
import os
import sys
import time

import diffusers
import torch

variant, purpose, folder = sys.argv[1:]
FORMAT = torch.contiguous_format if variant == "contiguous" else torch.channels_last
precision = torch.autocast("cpu", torch.bfloat16) if variant == "bfloat16" else contextlib.nullcontext()

model = diffusers.UNet2DModel.from_pretrained(folder, subfolder="unet").to(memory_format=FORMAT)
channels, side = model.config.in_channels, model.config.sample_size
generator = torch.Generator().manual_seed(1)


def inputs(rows):
    x = torch.randn(rows, channels, side, side, generator=generator).to(memory_format=FORMAT)
    classes = None if model.config.num_class_embeds is None else torch.zeros(rows, dtype=torch.long)
    return x, torch.full((rows,), 500), classes


def sampler():
    model.eval()

    def step(rows):
        x, timesteps, classes = inputs(rows)
        started = time.perf_counter()
        with torch.inference_mode(), precision:
            model(x, timesteps, class_labels=classes).sample.float().numpy()
        return time.perf_counter() - started

    return step


def evaluate(pixels, timestep):
    """One image and its output as lists, NHWC."""
    x = torch.tensor(pixels).reshape(1, side, side, channels).permute(0, 3, 1, 2).contiguous(memory_format=FORMAT)
    classes = None if model.config.num_class_embeds is None else torch.zeros(1, dtype=torch.long)
    with torch.inference_mode(), precision:
        return model(x, timestep, class_labels=classes).sample.float().permute(0, 2, 3, 1).flatten().tolist()


def trainer():
    """The whole step: gradients, clipping by norm, Adam, and the moving average of the weights."""
    model.train()
    parameters = list(model.parameters())
    average = [p.detach().clone() for p in parameters]
    adam = torch.optim.Adam(parameters, lr=1e-5, foreach=True)

    def step(rows):
        x, timesteps, classes = inputs(rows)
        target = torch.randn(x.shape, generator=generator).to(memory_format=FORMAT)
        started = time.perf_counter()
        loss = torch.nn.functional.mse_loss(model(x, timesteps, class_labels=classes).sample, target)
        adam.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0, foreach=True)
        adam.step()
        with torch.no_grad():
            torch._foreach_lerp_(average, [p.detach() for p in parameters], 1e-4)
        loss.item()
        return time.perf_counter() - started

    return step


def resident_bytes():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


if variant == "compile":
    model = torch.compile(model)
run = trainer() if purpose == "train" else sampler()
run(1)
versions = f"torch {torch.__version__}, diffusers {diffusers.__version__}, {torch.get_num_threads()} threads, {variant}"
print(json.dumps({"description": versions}), flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    if asked["operation"] == "evaluate":
        answer = {"epsilon": evaluate(asked["x"], asked["timestep"])}
    else:
        answer = {"seconds": run(asked["rows"]), "residentBytes": resident_bytes()}
    print(json.dumps(answer), flush=True)
