"""What one writes with JAX, on the processor: traced functions; where elements loop differently, all loop together."""

# mypy: disable-error-code="untyped-decorator"

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from hybrid_rs.bench.peers.kernels import RATE, VOLATILITY
from hybrid_rs.bench.peers.work import Arguments
from hybrid_rs.bench.timing import Call

jax.config.update("jax_platforms", "cpu")
jax.config.update("jax_enable_x64", True)

NAME = "JAX"
VERSION = jax.__version__


def _step(_: Any, acc: Any) -> Any:
    return jax.lax.rem(acc * 7 + 13, jnp.int32(997))


@jax.jit
def _busy(x: Any, iters: Any) -> Any:
    return jax.lax.fori_loop(0, iters, _step, x)


@jax.jit
def _hetero(x: Any, counts: Any) -> Any:
    return jax.vmap(lambda one, count: jax.lax.fori_loop(0, count, _step, one))(x, counts)


@jax.jit
def _mandelbrot(cx: Any, cy: Any, limit: Any) -> Any:
    def goes_on(state: Any) -> Any:
        return jnp.any(state[4]) & (state[0] < limit)

    def step(state: Any) -> Any:
        i, zx, zy, count, live = state
        a, b = zx * zx, zy * zy
        live = live & (a + b <= 4.0)
        count = count + live.astype(jnp.int32)
        return i + 1, jnp.where(live, a - b + cx, zx), jnp.where(live, 2 * zx * zy + cy, zy), count, live

    zero = jnp.zeros_like(cx)
    start = (0, zero, zero, jnp.zeros(cx.shape, jnp.int32), jnp.ones(cx.shape, bool))
    return jax.lax.while_loop(goes_on, step, start)[3]


def _normal(x: Any) -> Any:
    return 0.5 * jax.scipy.special.erfc(-x * 0.7071067811865476)


@jax.jit
def _black_scholes(spot: Any, strike: Any, years: Any) -> Any:
    deviation = jnp.sqrt(years) * VOLATILITY
    d1 = (jnp.log(spot / strike) + (RATE + 0.5 * VOLATILITY * VOLATILITY) * years) / deviation
    return spot * _normal(d1) - strike * jnp.exp(-RATE * years) * _normal(d1 - deviation)


@jax.jit
def _axpy(x: Any, y: Any) -> Any:
    return 2.5 * x + y


@jax.jit
def _logistic(x: Any, r: Any, steps: Any) -> Any:
    return jax.lax.fori_loop(0, steps, lambda _, one: r * one * (1.0 - one), x)


_FUNCTIONS: dict[str, Any] = {
    "busy": _busy,
    "hetero, random": _hetero,
    "Mandelbrot": _mandelbrot,
    "Black-Scholes": _black_scholes,
    "axpy": _axpy,
    "logistic map": _logistic,
}


def prepare(threads: int) -> Callable[[str, Arguments, NDArray[Any]], Call | None]:
    """Return what makes a call that gives a work's result, or None; JAX takes the cores that the process may use.

    Arrays are converted before, and none comes back to NumPy within the call.
    """
    del threads

    def ready(work: str, arguments: Arguments, out: NDArray[Any]) -> Call | None:
        function = _FUNCTIONS.get(work)
        if function is None:
            return None
        given = [jnp.asarray(one) for one in arguments]
        out[...] = np.asarray(function(*given))
        return lambda: function(*given).block_until_ready()

    return ready
