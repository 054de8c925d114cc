"""A picture of the Mandelbrot set, computed by a kernel and written as PNG with the standard library alone.

python examples/fractal.py mandelbrot.png 900
"""

import math
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import hybrid_rs as hr

LEFT, RIGHT, MIDDLE = -0.7525, -0.7390, 0.1075


@hr.kernel
def escape(cx, cy, limit):
    """Give how fast a point leaves, as a smooth number of steps; 0 for a point that stays."""
    x, y = 0.0, 0.0
    for step in range(limit):
        x, y = x * x - y * y + cx, 2.0 * x * y + cy
        size = x * x + y * y
        if size > 256.0:
            return step + 2.0 - math.log2(0.5 * math.log2(size))
    return 0.0


def colours() -> NDArray[np.uint8]:
    """Return 256 colours, from dark blue over white to orange; the last one, for points that stay, is black."""
    stops = np.array([0.0, 0.25, 0.5, 0.7, 1.0])
    shades = np.array([(6, 10, 60), (30, 110, 190), (250, 250, 235), (240, 150, 20), (6, 10, 60)])
    turn = np.linspace(0.0, 1.0, 256)
    table = np.stack([np.interp(turn, stops, shades[:, channel]) for channel in range(3)], axis=1)
    table[255] = 0
    return table.astype(np.uint8)


def write_png(path: Path, indices: NDArray[np.uint8], palette: NDArray[np.uint8]) -> None:
    """Write a picture whose pixels are places in a palette."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width = indices.shape
    rows = np.pad(indices, ((0, 0), (1, 0))).tobytes()  # each row begins with the number of its filter, 0 for none
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0))
    body = chunk(b"PLTE", palette.tobytes()) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + body)


def main(path: Path, width: int = 600) -> NDArray[np.float64]:
    """Write the picture and return the numbers of steps."""
    height = width * 2 // 3
    half = (RIGHT - LEFT) / 3
    cy = np.linspace(MIDDLE + half, MIDDLE - half, height)[:, None]
    steps = escape(np.linspace(LEFT, RIGHT, width), cy, 2000)
    shade = np.where(steps > 0.0, 48.0 * np.sqrt(np.maximum(steps, 0.0)) % 255.0, 255.0)
    write_png(path, shade.astype(np.uint8), colours())
    print(f"{path}: {width} x {height}, {np.mean(steps == 0.0):.1%} of the points stay")
    return steps


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "mandelbrot.png"), *map(int, sys.argv[2:3]))
