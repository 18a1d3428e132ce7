"""What the check of each class costs, as a share of the work on the same threads."""

from kernels.sides import compare, median, ours, paired


def measure(table, program):
    n = 2048 if table.quick else 4096
    square = lambda kind: [f"a={kind}:{n},{n}", f"b={kind}:{n},{n}"]  # noqa: E731
    conv = ["x=f32:8,512,28,28", "w=f32:512,512,3,3"]
    jobs = [
        (f"reproducible F32 gemm n={n}", "gemm", square("f32"), {}, 3.5), (f"I8 gemm n={n}", "gemm", square("i8"), {}, 6),
        (f"free F32 gemm n={n}", "gemm", square("f32"), {"arithmetic": "free"}, 6), (f"reproducible F64 gemm n={n}", "gemm", square("f64"), {}, 6),
        (f"BF16 gemm n={n}", "gemm", square("bf16"), {}, 6),
        ("F32 conv2d 512x28x28 -> 512, 3x3", "conv2d", conv, {"padding": [1, 1]}, 6),
        ("I8 conv2d 512x28x28 -> 512, 3x3", "conv2d", [text.replace("f32", "i8") for text in conv], {"padding": [1, 1]}, 6),
        ("F32 attention s=4096", "attention", [f"{name}=f32:1,12,4096,64" for name in "qkv"], {}, 6),
    ]
    for name, kernel, inputs, params, goal in jobs:
        times, ready = compare(table, {"ours": ours(program, kernel, inputs, params)}, {"kernel": ("ours", "kernel"), "check": ("ours", "check")}, time=250)
        table.add(f"check / compute, {name}", "%", 100 * paired(times["check"], times["kernel"]), at_most=goal,
                  note=f"kernel {median(times['kernel']) * 1e3:.1f} ms on {ready['ours']['ready']}, check {median(times['check']) * 1e3:.2f} ms")
