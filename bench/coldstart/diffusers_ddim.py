"""One image by diffusers, with DDIM; prints when each phase ended.

    python3 bench/coldstart/diffusers_ddim.py MODEL STEPS FILE
"""

import json
import sys
import time

ends = {}


def end(phase):
    ends[phase] = time.time() * 1000


import torch
from diffusers import DDIMScheduler, UNet2DModel
from PIL import Image

folder, steps, path = sys.argv[1:]
end("program")
unet = UNet2DModel.from_pretrained(folder, subfolder="unet").eval()
scheduler = DDIMScheduler.from_pretrained(folder, subfolder="scheduler")
end("model")
end("engine")
shape = (1, unet.config.in_channels, unet.config.sample_size, unet.config.sample_size)
classes = None if unet.config.num_class_embeds is None else torch.zeros(1, dtype=torch.long)
with torch.inference_mode():
    unet(torch.zeros(shape), 0, class_labels=classes)
    end("network")
    scheduler.set_timesteps(int(steps))
    x = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    for timestep in scheduler.timesteps:
        x = scheduler.step(unet(x, timestep, class_labels=classes).sample, timestep, x).prev_sample
end("steps")
pixels = ((x[0] / 2 + 0.5).clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
Image.fromarray(pixels.squeeze()).save(path)
end("file")
print(json.dumps(ends))
