"""A Monte-Carlo scan: the price of a call option over a row of volatilities, with random numbers made in the kernel.

Random numbers are hashed from the path's number and the draw's, so that every path is the same whatever thread or chunk
computes it. The estimates are held against the closed formula.

    python examples/scan.py
"""

import math

import numpy as np
from numpy.typing import NDArray

import hybrid_rs as hr

SPOT, STRIKE, YEARS, RATE = 100.0, 105.0, 1.0, 0.03


def uniform(path, draw):
    """Give a random number in (0, 1), by splitmix64 (Steele, Lea and Flood, 2014) of the numbers of path and draw."""
    z = np.uint64(path) * 0x2545F4914F6CDD1D + np.uint64(draw) * 0x9E3779B97F4A7C15
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB
    z ^= z >> 31
    return (np.float64(z >> 11) + 0.5) * 2.0**-53


@hr.kernel
def payoff(path, sigma, steps):
    """Give what the option pays at the end of one random path of the price, in money of today."""
    width = YEARS / steps
    logarithm = math.log(SPOT)
    for draw in range(steps):
        # Two uniform numbers make a normal one (Box and Muller, 1958).
        radius = math.sqrt(-2.0 * math.log(uniform(path, 2 * draw)))
        normal = radius * math.cos(2.0 * math.pi * uniform(path, 2 * draw + 1))
        logarithm += (RATE - 0.5 * sigma * sigma) * width + sigma * math.sqrt(width) * normal
    return math.exp(-RATE * YEARS) * max(math.exp(logarithm) - STRIKE, 0.0)


def exact(sigma: float) -> float:
    """Give the price by Black and Scholes."""
    spread = sigma * math.sqrt(YEARS)
    d = (math.log(SPOT / STRIKE) + (RATE + 0.5 * sigma * sigma) * YEARS) / spread
    below = [0.5 * math.erfc(-x / math.sqrt(2.0)) for x in (d, d - spread)]
    return SPOT * below[0] - STRIKE * math.exp(-RATE * YEARS) * below[1]


def main(paths: int = 100_000, steps: int = 8) -> NDArray[np.float64]:
    """Print a table; return rows of volatility, estimate, standard error and exact price."""
    sigmas = np.linspace(0.1, 0.5, 5)
    paid = payoff(np.arange(paths), sigmas[:, None], steps)
    errors = paid.std(axis=1) / math.sqrt(paths)
    table = np.column_stack((sigmas, paid.mean(axis=1), errors, [exact(float(sigma)) for sigma in sigmas]))
    for row in table:
        print("volatility {:.2f}: {:7.4f} +- {:.4f}, exactly {:7.4f}".format(*row))
    return table


if __name__ == "__main__":
    main()
