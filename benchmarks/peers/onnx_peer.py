"""ONNX Runtime on the CPU: onnx_peer.py THREADS gemm M N K | conv N C H W O KH STRIDE PAD | attention HEADS S D.

Inputs and outputs are bound once: what is measured is the operator, with NCHW tensors in and out.
"""

import sys

import numpy
import onnxruntime
from onnx import TensorProto, helper

from pace import serve

threads, kind = int(sys.argv[1]), sys.argv[2]
numbers = [int(word) for word in sys.argv[3:]]
random = numpy.random.default_rng(1)


def tensor(*shape):
    return random.random(shape, dtype=numpy.float32) * 2 - 1


if kind == "gemm":
    m, n, k = numbers
    inputs = {"a": tensor(m, k), "b": tensor(k, n)}
    node = helper.make_node("MatMul", ["a", "b"], ["y"])
elif kind == "conv":
    n, c, h, w, o, kernel, stride, pad = numbers
    inputs = {"x": tensor(n, c, h, w), "w": tensor(o, c, kernel, kernel)}
    node = helper.make_node("Conv", ["x", "w"], ["y"], kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[pad] * 4)
elif kind == "attention":
    heads, s, d = numbers
    inputs = {name: tensor(1, s, heads * d) for name in "qkv"}
    node = helper.make_node("MultiHeadAttention", list("qkv"), ["y"], domain="com.microsoft", num_heads=heads)
else:
    sys.exit(2)

# A convolution's weights are constants of the model, as in every network: the runtime may lay them out beforehand.
constants = {"w"} if kind == "conv" else set()
graph = helper.make_graph(
    [node], kind, [helper.make_tensor_value_info(name, TensorProto.FLOAT, value.shape) for name, value in inputs.items() if name not in constants],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
    initializer=[helper.make_tensor(name, TensorProto.FLOAT, inputs[name].shape, inputs[name].tobytes(), raw=True) for name in constants])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)], ir_version=9)
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = threads
session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
binding = session.io_binding()
for name, value in inputs.items():
    if name not in constants:
        binding.bind_cpu_input(name, value)
shape = session.run(None, {name: value for name, value in inputs.items() if name not in constants})[0].shape
result = onnxruntime.OrtValue.ortvalue_from_shape_and_type(shape, numpy.float32, "cpu")
binding.bind_ortvalue_output("y", result)
serve(f"ONNX Runtime {onnxruntime.__version__}", lambda: session.run_with_iobinding(binding))
