"""Interpolation in a table: temperatures from the voltages of a type K thermocouple.

The table holds the reference voltages of NIST's ITS-90 thermocouple database, every hundred degrees. A parameter that a
kernel indexes is a table: it is passed whole, and every element may read any place of it.

    python examples/thermocouple.py
"""

import numpy as np
from numpy.typing import NDArray

import hybrid_rs as hr

DEGREES = np.arange(0.0, 1400.0, 100.0)
MILLIVOLTS = np.array(
    [0.000, 4.096, 8.138, 12.209, 16.397, 20.644, 24.905, 29.129, 33.275, 37.326, 41.276, 45.119, 48.838, 52.410]
)


@hr.kernel
def temperature(voltage, millivolts, degrees):
    """Give the temperature of a voltage; outside of the table it is an error that names the reading."""
    low, high = 0, len(millivolts) - 1
    if not millivolts[low] <= voltage <= millivolts[high]:
        raise ValueError("the voltage lies outside of the table")
    while high - low > 1:
        middle = (low + high) // 2
        if millivolts[middle] <= voltage:
            low = middle
        else:
            high = middle
    share = (voltage - millivolts[low]) / (millivolts[high] - millivolts[low])
    return degrees[low] + share * (degrees[high] - degrees[low])


def main(readings: int = 1_000_000) -> NDArray[np.float64]:
    """Convert a furnace's voltages, one of them broken; return the temperatures, nan where there is none."""
    hours = np.linspace(0.0, 24.0, readings)
    voltages = 25.0 - 22.0 * np.cos(2.0 * np.pi * hours / 24.0)
    voltages[readings // 2] = 99.0
    try:
        temperature(voltages, MILLIVOLTS, DEGREES)
    except hr.KernelFault as fault:
        print(f"refused: {fault}")
    # The same with a mask of the readings that are fine, instead of an error.
    found, fine = temperature(voltages, MILLIVOLTS, DEGREES, on_fault="mask")
    found[~fine] = np.nan
    print(f"{readings:,} readings, {np.count_nonzero(~fine)} of them broken; ", end="")
    print(f"from {np.nanmin(found):.1f} to {np.nanmax(found):.1f} degrees")
    return found


if __name__ == "__main__":
    main()
