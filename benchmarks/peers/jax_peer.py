"""JAX on the CPU, jitted: jax_peer.py gemm DTYPE M N K | attention HEADS S D | train BATCH IN HIDDEN… OUT.

DTYPE is f32, bf16 (to f32) or i8 (to i32). A training step is forward, backward and SGD with momentum on softmax cross-entropy, with
donated parameters, called in a loop as a training script does.
"""

import sys

import jax
import jax.numpy as jnp
import numpy

from pace import serve

kind = sys.argv[1]
name = f"JAX {jax.__version__}"
random = numpy.random.default_rng(1)


def tensor(*shape):
    return random.random(shape, dtype=numpy.float32) * 2 - 1


if kind == "gemm":
    dtype, (m, n, k) = sys.argv[2], [int(word) for word in sys.argv[3:]]
    if dtype == "i8":
        a, b = (jnp.asarray(random.integers(-128, 128, shape, dtype=numpy.int8)) for shape in [(m, k), (k, n)])
        result = jnp.int32
    else:
        a, b = (jnp.asarray(tensor(*shape), dtype=jnp.bfloat16 if dtype == "bf16" else jnp.float32) for shape in [(m, k), (k, n)])
        result = jnp.float32
    product = jax.jit(lambda a, b: jax.lax.dot(a, b, preferred_element_type=result))
    serve(name, lambda: product(a, b).block_until_ready())
elif kind == "attention":
    heads, s, d = [int(word) for word in sys.argv[2:]]
    q, k, v = (jnp.asarray(tensor(1, heads, s, d)) for _ in range(3))

    @jax.jit
    def attention(q, k, v):
        scores = jnp.einsum("bhqd,bhkd->bhqk", q, k) / numpy.float32(numpy.sqrt(d))
        return jnp.einsum("bhqk,bhkd->bhqd", jax.nn.softmax(scores, axis=-1), v)

    serve(name, lambda: attention(q, k, v).block_until_ready())
elif kind == "train":
    batch, *sizes = [int(word) for word in sys.argv[2:]]
    layers = [(jnp.asarray(tensor(i, o) / numpy.float32(numpy.sqrt(i))), jnp.zeros(o)) for i, o in zip(sizes, sizes[1:])]
    momenta = jax.tree.map(jnp.zeros_like, layers)
    x, labels = jnp.asarray(tensor(batch, sizes[0])), jnp.asarray(random.integers(0, sizes[-1], batch))

    def loss(layers):
        h = x
        for index, (w, b) in enumerate(layers):
            h = h @ w + b
            if index + 1 < len(layers):
                h = jax.nn.relu(h)
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(h), labels[:, None], 1))

    def step(layers, momenta):
        value, gradients = jax.value_and_grad(loss)(layers)
        momenta = jax.tree.map(lambda v, g: 0.9 * v + g, momenta, gradients)
        return jax.tree.map(lambda p, v: p - 0.01 * v, layers, momenta), momenta, value

    jitted = jax.jit(step, donate_argnums=(0, 1))
    state = [layers, momenta]
    steps = 20

    def run():
        for _ in range(steps):
            state[0], state[1], value = jitted(*state)
        value.block_until_ready()

    serve(f"{name}, {steps} steps a run", run)
else:
    sys.exit(2)
