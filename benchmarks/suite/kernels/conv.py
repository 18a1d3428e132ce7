"""The convolutions of ResNet-50 (He et al., 2015) at batch 8, NCHW in and out, against ONNX Runtime."""

import math

from kernels.sides import THREADS, compare, ours, paired, python, rate

BATCH = 8
# Channels, height and width of the input, output channels, kernel, stride, padding; each shape once.
SHAPES = [
    (3, 224, 64, 7, 2, 3), (64, 56, 64, 1, 1, 0), (64, 56, 64, 3, 1, 1), (64, 56, 256, 1, 1, 0), (256, 56, 64, 1, 1, 0), (256, 56, 128, 1, 1, 0),
    (128, 56, 128, 3, 2, 1), (128, 28, 512, 1, 1, 0), (256, 56, 512, 1, 2, 0), (512, 28, 128, 1, 1, 0), (128, 28, 128, 3, 1, 1),
    (512, 28, 256, 1, 1, 0), (256, 28, 256, 3, 2, 1), (256, 14, 1024, 1, 1, 0), (512, 28, 1024, 1, 2, 0), (1024, 14, 256, 1, 1, 0),
    (256, 14, 256, 3, 1, 1), (1024, 14, 512, 1, 1, 0), (512, 14, 512, 3, 2, 1), (512, 7, 2048, 1, 1, 0), (1024, 14, 2048, 1, 2, 0),
    (2048, 7, 512, 1, 1, 0), (512, 7, 512, 3, 1, 1),
]


def measure(table, program):
    ratios = []
    for c, size, o, kernel, stride, pad in SHAPES[:3] if table.quick else SHAPES:
        out = (size + 2 * pad - kernel) // stride + 1
        work = 2 * BATCH * o * out * out * c * kernel * kernel
        params = {"stride": [stride, stride], "padding": [pad, pad]}
        sides = {"ours": ours(program, "conv2d", [f"x=f32:{BATCH},{c},{size},{size}", f"w=f32:{o},{c},{kernel},{kernel}"], params),
                    "ort": python("onnx_peer.py", THREADS, "conv", BATCH, c, size, size, o, kernel, stride, pad)}
        times, ready = compare(table, sides, generations=1 if table.quick else 2, time=150)
        ratios.append(paired(times["ort"], times["ours"]))
        table.add(f"conv2d {c}x{size}x{size} -> {o}, {kernel}x{kernel} / {stride}", "GFLOP/s", rate(work, times["ours"]), peer=rate(work, times["ort"]),
                  peer_name=ready["ort"]["ready"], ratio=ratios[-1], note=ready["ours"]["ready"])
    mean = math.exp(sum(math.log(ratio) for ratio in ratios) / len(ratios))
    table.add(f"conv2d, ResNet-50's {len(ratios)} shapes, batch {BATCH}", "", None, peer_name="ONNX Runtime", ratio=mean, at_least=1.0, of="ratio",
              note="geometric mean of the rows above")
