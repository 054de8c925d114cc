"""A kernel of one's own on real data: where the planets are, and when Mars came closest to the Earth.

planets.csv has the orbits (JPL, "Keplerian elements for approximate positions", epoch 2000). A planet's place on its
ellipse follows from Kepler's equation, which has no closed solution: each element is a small iteration of its own.

    python examples/quickstart.py
"""

import math
import time
from pathlib import Path

import numpy as np

import hybrid_rs as hr

PLANETS = Path(__file__).with_name("planets.csv")


@hr.kernel
def place(axis, eccentricity, longitude, perihelion):
    """Give a planet's place in the plane of the Earth's orbit: angles in radians, results in units of `axis`."""
    mean = (longitude - perihelion) % (2.0 * math.pi)
    angle = mean
    for _ in range(20):
        step = (angle - eccentricity * math.sin(angle) - mean) / (1.0 - eccentricity * math.cos(angle))
        angle -= step
        if abs(step) < 1e-12:
            break
    x = axis * (math.cos(angle) - eccentricity)
    y = axis * math.sqrt(1.0 - eccentricity * eccentricity) * math.sin(angle)
    c, s = math.cos(perihelion), math.sin(perihelion)
    return c * x - s * y, s * x + c * y


def main() -> tuple[str, float]:
    """Print and return the day of Mars's closest approach and the distance in astronomical units."""
    table = np.genfromtxt(PLANETS, delimiter=",", skip_header=1, usecols=range(1, 6))
    axis, eccentricity, longitude, rate, perihelion = table.T[:, :, None]
    days = np.arange("2000-01-01", "2021-01-01", np.timedelta64(6, "h"), dtype="datetime64[h]")
    centuries = (days - np.datetime64("2000-01-01T12", "h")) / np.timedelta64(36525 * 24, "h")
    # Eight planets in rows, some thirty thousand moments in columns: the shapes broadcast as in NumPy.
    angle = np.radians(longitude + rate * centuries)
    begun = time.perf_counter()
    x, y = place(axis, eccentricity, angle, np.radians(perihelion))
    seconds = time.perf_counter() - begun
    distance = np.hypot(x[3] - x[2], y[3] - y[2])
    nearest = int(distance.argmin())
    print(f"{x.size:,} places of planets in {seconds * 1e3:.1f} ms, compiling included: {place.signatures[0]}")
    print(f"Mars was closest on {days[nearest].astype('datetime64[D]')}: {distance[nearest]:.4f} au")
    print(f"one element in plain Python: {place.py_func(1.52, 0.0934, 0.5, -0.4)}")
    return str(days[nearest].astype("datetime64[D]")), float(distance[nearest])


if __name__ == "__main__":
    main()
