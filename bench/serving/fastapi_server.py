"""
A server as one would write it today: FastAPI, uvicorn and diffusers.

    python3 fastapi_server.py MODEL MODE

MODEL is a folder in diffusers' layout. MODE is `serial`, one request at a time, first come first served; or `static`,
batches of up to 16 requests of the same number of steps, which are collected for 50 ms and then run to their end.

It prints where it listens: http://127.0.0.1:PORT
"""
import asyncio
import io
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import numpy as np
import torch
import uvicorn
from diffusers import DDIMScheduler, DDPMScheduler, UNet2DModel
from fastapi import FastAPI, Request, Response
from PIL import Image

FOLDER, MODE = sys.argv[1:3]
LARGEST, COLLECT = (16, 0.05) if MODE == "static" else (1, 0)

unet = UNet2DModel.from_pretrained(FOLDER, subfolder="unet", low_cpu_mem_usage=False).eval()
config = DDPMScheduler.from_pretrained(FOLDER, subfolder="scheduler").config
SHAPE = (unet.config.in_channels, unet.config.sample_size, unet.config.sample_size)
LAYOUTS = (torch.contiguous_format, torch.channels_last)
worker = ThreadPoolExecutor(1)
waiting: list[tuple[int, int, int, float, Request, asyncio.Future]] = []
arrived = asyncio.Event()


@torch.inference_mode()
def seconds_of(layout: torch.memory_format) -> float:
    unet.to(memory_format=layout)
    x, classes = torch.randn(LARGEST, *SHAPE).to(memory_format=layout), torch.zeros(LARGEST, dtype=torch.long)
    times = []
    for _ in range(6):
        started = time.perf_counter()
        unet(x, 0, class_labels=classes)
        times.append(time.perf_counter() - started)
    return min(times)


layout = min(LAYOUTS, key=seconds_of)
unet.to(memory_format=layout)


@torch.inference_mode()
def sample(steps: int, seeds: tuple[int, ...], labels: tuple[int, ...]) -> np.ndarray:
    scheduler = DDIMScheduler.from_config(config)
    scheduler.set_timesteps(steps)
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    x = torch.stack([torch.randn(SHAPE, generator=generator) for generator in generators]).to(memory_format=layout)
    classes = torch.tensor(labels)
    for t in scheduler.timesteps:
        x = scheduler.step(unet(x, t, class_labels=classes).sample, t, x).prev_sample
    return ((x.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).numpy()


def encode(image: np.ndarray) -> bytes:
    out = io.BytesIO()
    pixels = image.transpose(1, 2, 0)
    Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(out, "png")
    return out.getvalue()


async def work() -> None:
    loop = asyncio.get_running_loop()
    while True:
        while not waiting:
            arrived.clear()
            await arrived.wait()
        steps, _, _, since, _, _ = waiting[0]
        batch = [request for request in waiting if request[0] == steps][:LARGEST]
        if len(batch) < LARGEST and time.monotonic() < since + COLLECT:
            await asyncio.sleep(0.002)
            continue
        for request in batch:
            waiting.remove(request)
        batch = [request for request in batch if not await request[4].is_disconnected()]
        if not batch:
            continue
        _, seeds, labels, _, _, dones = zip(*batch)
        for done, image in zip(dones, await loop.run_in_executor(worker, sample, steps, seeds, labels)):
            done.set_result(image)


@asynccontextmanager
async def lifespan(_: FastAPI):
    for rows in (1, LARGEST):
        sample(2, (0,) * rows, (0,) * rows)
    task = asyncio.create_task(work())
    yield
    task.cancel()


app = FastAPI(lifespan=lifespan)


@app.get("/health")
async def health():
    return {"status": "ok"}


@app.get("/generate")
async def generate(request: Request, steps: int, seed: int = 0, label: int = 0):
    done = asyncio.get_running_loop().create_future()
    waiting.append((steps, seed, label, time.monotonic(), request, done))
    arrived.set()
    return Response(encode(await done), media_type="image/png")


# asyncio switches Nagle's delays off only where the protocol is said.
listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
listener.bind(("127.0.0.1", 0))
print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])
