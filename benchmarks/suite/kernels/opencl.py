"""The OpenCL backend's free F32 product, against CLBlast called from C on the same device."""

import build
from kernels.sides import compare, ours, paired, rate
from paced import Paced


def measure(table, program):
    flags = ["-lOpenCL", "-lclblast"]
    for device in range(4):
        try:
            peer = build.c_peer("clblast_gemm", flags)
            Paced([peer, device, 256]).close()
        except (RuntimeError, OSError):
            if device == 0:
                table.add("OpenCL F32 gemm", "GFLOP/s", None, at_least=0.97, of="ratio", note="no OpenCL device, or no CLBlast to compile against")
            return
        for n in (256, 512):
            work = 2 * n**3
            times, ready = compare(table, {
                "ours": ours(program, "gemm", [f"a=f32:{n},{n}", f"b=f32:{n},{n}"], {"arithmetic": "free"}, f"opencl:{device}"),
                "peer": lambda: Paced([peer, device, n]),
            })
            if "ours" not in times:
                table.add(f"OpenCL F32 gemm n={n}, device {device}", "GFLOP/s", None, at_least=0.97, of="ratio", note="the device is not offered: adit miner profile")
                continue
            table.add(f"OpenCL F32 gemm n={n}, device {device}", "GFLOP/s", rate(work, times["ours"]), peer=rate(work, times["peer"]), peer_name="CLBlast",
                      ratio=paired(times["peer"], times["ours"]), at_least=0.97, of="ratio",
                      note=f"{ready['ours']['ready']}; ours takes tensors from the host and brings them back, the peer's lie on the device")
