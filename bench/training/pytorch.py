"""The peer's side of the comparison: the same loop in PyTorch, on diffusers' UNet2DModel; compare.ts has the protocol.

    python3 bench/training/pytorch.py contiguous|channels_last TASK
"""

import json
import sys
import time

import diffusers
import numpy as np
import torch

layout, path = sys.argv[1:]
FORMAT = torch.channels_last if layout == "channels_last" else torch.contiguous_format
with open(path) as file:
    task = json.load(file)
recipe = task["recipe"]
BATCH = recipe["batch"]
T = recipe["timesteps"]

# Data: bytes in memory, images as NCHW.
arrays = np.load(task["data"])
images = torch.from_numpy(arrays["images"]).permute(0, 3, 1, 2).contiguous(memory_format=FORMAT)
labels = torch.from_numpy(arrays["labels"]).long() if recipe["conditional"] and "labels" in arrays else None

model = diffusers.UNet2DModel.from_pretrained(task["model"], subfolder="unet").to(memory_format=FORMAT)
model.train()
parameters = list(model.parameters())
averages = [p.detach().clone() for p in parameters]
adam = torch.optim.Adam(parameters, lr=recipe["lr"], fused=True)
NULL_LABEL = (model.config.num_class_embeds or 1) - 1

alphas_cumprod = torch.cumprod(1 - torch.linspace(1e-4, 0.02, T, dtype=torch.float64), 0)
signal = alphas_cumprod.sqrt().float().view(-1, 1, 1, 1)
spread = (1 - alphas_cumprod).sqrt().float().view(-1, 1, 1, 1)

log = open(path + "." + layout + ".metrics.jsonl", "w")
order = torch.randperm(len(images))
done = 0


def batch_indices():
    global order
    start = done * BATCH % (len(images) - BATCH + 1)
    if start < BATCH:
        order = torch.randperm(len(images))
    return order[start : start + BATCH]


def training_step():
    global done
    # Images, noise, timesteps, classes.
    indices = batch_indices()
    x0 = images[indices].float().div_(127.5).sub_(1)
    if recipe["flip"]:
        mirrored = torch.rand(BATCH) < 0.5
        x0[mirrored] = x0[mirrored].flip(3)
    noise = torch.randn_like(x0)
    t = torch.randint(T, (BATCH,))
    xt = signal[t] * x0 + spread[t] * noise
    classes = None
    if labels is not None:
        classes = torch.where(torch.rand(BATCH) < recipe["labelDropout"], NULL_LABEL, labels[indices])

    # Gradients, clipped; Adam; the moving average.
    losses = (model(xt, t, class_labels=classes).sample - noise).square().mean((1, 2, 3))
    loss = losses.mean()
    adam.zero_grad(set_to_none=True)
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(parameters, recipe["clip"], foreach=True)
    done += 1
    learning_rate = recipe["lr"] * min(1, done / max(1, recipe["warmup"]))
    for group in adam.param_groups:
        group["lr"] = learning_rate
    adam.step()
    with torch.no_grad():
        decay = min(recipe["ema"][0], done / (9 + done))
        torch._foreach_lerp_(averages, [p.detach() for p in parameters], 1 - decay)

    # Metrics.
    quarters = [[], [], [], []]
    for quarter, value in zip((4 * t // T).tolist(), losses.tolist()):
        quarters[quarter].append(value)
    line = {
        "step": done,
        "loss": loss.item(),
        "lossByQuartile": [sum(q) / len(q) if q else None for q in quarters],
        "gradientNorm": norm.item(),
        "learningRate": learning_rate,
    }
    log.write(json.dumps(line) + "\n")
    log.flush()
    return line["loss"]


versions = f"torch {torch.__version__}, diffusers {diffusers.__version__}, {torch.get_num_threads()} threads, {layout}"
print(json.dumps({"description": versions}), flush=True)
for line in sys.stdin:
    steps = json.loads(line)["steps"]
    started = time.perf_counter()
    losses = [training_step() for _ in range(steps)]
    seconds = time.perf_counter() - started
    print(json.dumps({"seconds": seconds, "loss": sum(losses) / steps}), flush=True)
