"""The peer's side of the comparisons: the same recipe in PyTorch, on diffusers' UNet2DModel and its schedules.

    python3 bench/training/pytorch.py contiguous|channels_last TASK

TASK is a JSON file (task.ts). It says on stdout what it is, then answers lines of JSON on stdin: {"steps": n} trains on,
{"save": folder} writes the average of the first rate there as a UNet2DModel, {"keep": file} all that training goes on
from, and {"restore": file} goes on from there.
"""

import json
import os
import signal
import sys
import time

# Ctrl-C reaches both processes; the one that asks says when to stop.
signal.signal(signal.SIGINT, signal.SIG_IGN)

import diffusers
import numpy as np
import torch

layout, path = sys.argv[1:]
FORMAT = torch.channels_last if layout == "channels_last" else torch.contiguous_format
with open(path) as file:
    task = json.load(file)
recipe = task["recipe"]
BATCH = recipe["batch"]

# Data: bytes in memory, images as NCHW.
arrays = np.load(task["data"])
images = torch.from_numpy(arrays["images"]).permute(0, 3, 1, 2).contiguous(memory_format=FORMAT)
labels = torch.from_numpy(arrays["labels"] if "labels" in arrays else np.zeros(len(images))).long()
is_conditional = recipe["conditional"] and "labels" in arrays
# The images of each class, which come in turn where every class is to come as often as another.
members = [torch.nonzero(labels == label)[:, 0] for label in labels.unique()]

torch.manual_seed(recipe["seed"])
model = diffusers.UNet2DModel.from_pretrained(task["model"], subfolder="unet").to(memory_format=FORMAT)
model.train()
parameters = list(model.parameters())
averages = [[p.detach().clone() for p in parameters] for _ in recipe["ema"]]
adam = torch.optim.Adam(parameters, lr=recipe["lr"], fused=True)
NULL_LABEL = (model.config.num_class_embeds or 1) - 1

scheduler = diffusers.DDPMScheduler.from_pretrained(task["model"], subfolder="scheduler")
PREDICTION = scheduler.config.prediction_type
T = scheduler.config.num_train_timesteps
snr = scheduler.alphas_cumprod / (1 - scheduler.alphas_cumprod)


def weights_of_loss():
    """Of each timestep, uniform or min-SNR: diffusers' examples have the latter in this form."""
    if recipe["lossWeighting"] == "uniform":
        return torch.ones_like(snr)
    return snr.clamp(max=recipe["minSnrGamma"]) / {"epsilon": snr, "sample": 1, "v_prediction": snr + 1}[PREDICTION]


loss_weights = weights_of_loss()


def target_of(x0, noise, t):
    if PREDICTION == "v_prediction":
        return scheduler.get_velocity(x0, noise, t)
    return noise if PREDICTION == "epsilon" else x0


log = open(path + "." + layout + ".metrics.jsonl", "a+")
order = torch.randperm(len(images))
done = 0


def batch_indices():
    global order
    if recipe["classShares"] == "equal":
        turns = [members[(done * BATCH + i) % len(members)] for i in range(BATCH)]
        return torch.stack([own[torch.randint(len(own), ())] for own in turns])
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
    xt = scheduler.add_noise(x0, noise, t)
    classes = None
    if is_conditional:
        classes = torch.where(torch.rand(BATCH) < recipe["labelDropout"], NULL_LABEL, labels[indices])

    # Gradients, clipped; Adam; the moving average.
    losses = (model(xt, t, class_labels=classes).sample - target_of(x0, noise, t)).square().mean((1, 2, 3))
    loss = (loss_weights[t] * losses).mean()
    adam.zero_grad(set_to_none=True)
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(parameters, recipe["clip"], foreach=True)
    done += 1
    learning_rate = recipe["lr"] * min(1, done / max(1, recipe["warmup"]))
    for group in adam.param_groups:
        group["lr"] = learning_rate
    adam.step()
    with torch.no_grad():
        for rate, average in zip(recipe["ema"], averages):
            decay = min(rate, done / (9 + done))
            torch._foreach_lerp_(average, [p.detach() for p in parameters], 1 - decay)

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


def train(steps):
    if done == 0:
        log.truncate(0)
    started = time.perf_counter()
    losses = [training_step() for _ in range(steps)]
    return {"seconds": time.perf_counter() - started, "loss": sum(losses) / steps}


def save(folder):
    averaged = diffusers.UNet2DModel.from_config(model.config)
    with torch.no_grad():
        for p, average in zip(averaged.parameters(), averages[0]):
            p.copy_(average)
    averaged.save_pretrained(folder)
    return {}


def keep(file):
    state = {
        "model": model.state_dict(),
        "averages": averages,
        "adam": adam.state_dict(),
        "random": torch.get_rng_state(),
        "order": order,
        "done": done,
    }
    torch.save(state, file + ".part")
    os.replace(file + ".part", file)
    return {}


def restore(file):
    """To the very state: what it trains on to is what it would have become without a stop."""
    global averages, order, done
    state = torch.load(file, weights_only=True)
    model.load_state_dict(state["model"])
    averages = state["averages"]
    adam.load_state_dict(state["adam"])
    torch.set_rng_state(state["random"])
    order, done = state["order"], state["done"]
    log.seek(0)
    for _ in range(done):
        log.readline()
    log.truncate()
    return {"done": done}


versions = f"torch {torch.__version__}, diffusers {diffusers.__version__}, {torch.get_num_threads()} threads, {layout}"
print(json.dumps({"description": versions}), flush=True)
ANSWERS = {"steps": train, "save": save, "keep": keep, "restore": restore}
for line in sys.stdin:
    [(question, value)] = json.loads(line).items()
    print(json.dumps(ANSWERS[question](value)), flush=True)
