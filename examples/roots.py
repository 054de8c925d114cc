"""Roots for every row of a table: the volatility that explains an option's price, found by bisection.

Makes a table of quotes, reads it back and solves it. The same from the command line, once the table is there:

    hybrid-rs run examples/roots.py:volatility quotes.csv --out volatility.csv
"""

import math
import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import hybrid_rs as hr

COLUMNS = ("spot", "strike", "years", "rate", "price")


def normal(x):
    """Give the share of a normal distribution below x; a helper, inlined into the kernels that call it."""
    return 0.5 * math.erfc(-x / math.sqrt(2.0))


@hr.kernel
def call_price(spot, strike, years, rate, sigma):
    """Give the price of a European call by Black and Scholes."""
    spread = sigma * math.sqrt(years)
    d = (math.log(spot / strike) + (rate + 0.5 * sigma * sigma) * years) / spread
    return spot * normal(d) - strike * math.exp(-rate * years) * normal(d - spread)


@hr.kernel
def volatility(spot, strike, years, rate, price):
    """Give the volatility at which a call has this price; nan where no volatility gives it."""
    low, high = 1e-4, 10.0
    if not call_price(spot, strike, years, rate, low) <= price <= call_price(spot, strike, years, rate, high):
        return math.nan
    while high - low > 1e-10:
        middle = 0.5 * (low + high)
        if call_price(spot, strike, years, rate, middle) < price:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


def main(path: Path, rows: int = 20_000) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Write a table, solve it, print a summary, and return the volatilities found and those it was made with."""
    rng = np.random.default_rng(2026)
    spot, strike = np.full(rows, 100.0), rng.uniform(80.0, 120.0, rows)
    years, rate, made = rng.uniform(0.25, 2.0, rows), np.full(rows, 0.03), rng.uniform(0.1, 0.6, rows)
    price = call_price(spot, strike, years, rate, made)
    table = np.column_stack((spot, strike, years, rate, price))
    np.savetxt(path, table, delimiter=",", header=",".join(COLUMNS), comments="", fmt="%.17g")
    found = volatility(*np.genfromtxt(path, delimiter=",", skip_header=1, unpack=True))
    print(f"{rows:,} rows of {path.name}: volatilities from {found.min():.3f} to {found.max():.3f}, ", end="")
    print(f"at most {np.abs(found - made).max():.1e} from those the prices were made with")
    return found, made


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.mkdtemp()) / "quotes.csv")
