"""Converts the InceptionV3 that FID is measured with to safetensors, for `deno task evaluate --features`.

    python3 scripts/convert_inception.py pt_inception-2015-12-05-6726825d.pth inception.safetensors

Takes the file that pytorch-fid downloads (in ~/.cache/torch/hub/checkpoints/), or torch-fidelity's
weights-inception-2015-12-05-6726825d.pth, which holds the same. Needs torch and safetensors.
"""

import argparse
import sys
from pathlib import Path

# What torchvision's classes add to it, and nothing needs.
LEFT_OUT = ("num_batches_tracked", "AuxLogits.")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="the .pth file")
    parser.add_argument("target", type=Path, help="the .safetensors file to write")
    options = parser.parse_args()
    if not options.source.is_file():
        sys.exit(f"error: there is no file {options.source}")

    import torch
    from safetensors.torch import save_file

    try:
        state = torch.load(options.source, map_location="cpu", weights_only=True)
    except Exception as error:
        sys.exit(f"error: {options.source} is no file of weights: {str(error).splitlines()[0]}")
    wanted = {
        name: tensor.float().contiguous()
        for name, tensor in state.items()
        if not any(part in name for part in LEFT_OUT)
    }
    convolutions = sum(name.endswith(".conv.weight") for name in wanted)
    classes = wanted.get("fc.weight")
    if convolutions != 94 or len(wanted) != 94 * 5 + 2 or classes is None or classes.shape != (1008, 2048):
        sys.exit(
            f"error: {options.source} is not FID's InceptionV3 of 94 convolutions and 1008 classes: "
            f"it has {convolutions} and {'none' if classes is None else classes.shape[0]}"
        )
    partial = options.target.with_name(options.target.name + ".partial")
    save_file(wanted, partial)
    partial.replace(options.target)
    print(f"wrote {options.target}: {len(wanted)} tensors")


if __name__ == "__main__":
    main()
