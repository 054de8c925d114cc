"""``hybrid-rs run``: a kernel over arrays from files, the result to a file."""

import argparse
import math
import re
import sys
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

import hybrid_rs as hr
from hybrid_rs.cli.command import (
    Outcome,
    Subparsers,
    UsageError,
    above_zero,
    add_command,
    add_threads,
    counted,
    positive,
)
from hybrid_rs.cli.loader import load_kernel, whole_arguments
from hybrid_rs.interop import csv_text, files

_Argument = NDArray[Any] | int | float
_Named = tuple[str, _Argument]

_ARRAYS_HELP = (
    "an argument of the kernel: a.npy, b.npz (or b.npz:KEY), t.csv or t.parquet (every column in order is an argument;"
    " or t.csv:COLUMN), or a number, which is the same for all elements"
)
_HEADER_HELP = (
    "whether the first row of a csv names the columns. auto (default): yes when none of its cells is a number, or when"
    " one of them is exactly the COLUMN asked for. Without a header the columns are called 1, 2, ... What was taken is"
    " told on stderr"
)
# The contract's older names for some paths are taken, but not advertised.
_ALIASES = tuple(f"runtime_{path}" for path in hr.PATHS if path.startswith("hybrid_"))


def add(commands: Subparsers) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "run",
        "map a kernel over arrays from files and write the result to a file",
        "hybrid-rs run busy_work x.npy 512 --out result.npy\n"
        "  hybrid-rs run model.py:step table.csv:mass table.csv:speed 0.01 --dtype float64 --out result.csv",
        _execute,
    )
    parser.add_argument("kernel", metavar="KERNEL", help="a built-in's name (busy_work), or FILE.py:NAME")
    parser.add_argument("arrays", nargs="+", metavar="ARRAY", help=_ARRAYS_HELP)
    parser.add_argument("--out", required=True, metavar="FILE", help="result: .npy, .npz, .csv or .parquet")
    parser.add_argument(
        "--path",
        type=_path,
        default="auto",
        metavar="PATH",
        help=f"how to execute: auto (default), {', '.join(hr.PATHS)}",
    )
    parser.add_argument("--chunk-size", type=positive, metavar="N", help="elements a chunk (default: the policy's)")
    add_threads(parser)
    parser.add_argument("--timeout", type=above_zero, metavar="SECONDS", help="stop the batch after this time")
    parser.add_argument("--dtype", metavar="DTYPE", help="result dtype of a plain Python function (default: seen)")
    parser.add_argument("--csv-header", choices=csv_text.HEADERS, default="auto", help=_HEADER_HELP)
    parser.add_argument("--no-progress", action="store_true", help="no progress bar, on a terminal either")


def _path(text: str) -> str:
    """Parse the name of a path."""
    if text not in ("auto", *hr.PATHS, *_ALIASES):
        raise argparse.ArgumentTypeError(f"no path {text!r}; there is auto, {', '.join(hr.PATHS)}")
    return text


def _execute(options: argparse.Namespace) -> Outcome:
    """Read, map, write. What can be refused early is refused before the batch starts."""
    kernel = load_kernel(options.kernel, options.dtype)
    files.check_output(options.out)
    tables = whole_arguments(kernel)
    arguments = _arguments(options.arrays, options.csv_header, tables)
    scalars = [argument for place, (_, argument) in enumerate(arguments) if place not in tables]
    dimensions = max(map(np.ndim, scalars), default=0)
    files.check_holds(options.out, [dimensions] * kernel.nout)
    with hr.Runtime(threads=options.threads) as runtime:
        result, seconds = _map(runtime, kernel, arguments, options)
        last = runtime.metrics().to_dict().get("last")
        threads = runtime.threads
    columns = _columns(result)
    files.write_result(options.out, columns)
    elements = next(iter(columns.values())).size
    document = {
        "kernel": options.kernel,
        "out": options.out,
        "dtypes": {name: str(column.dtype) for name, column in columns.items()},
        "metrics": bool(last),
        **(last or {"path": options.path, "chunk_size": options.chunk_size, "reason": None, "threads": threads}),
        "elements": elements,
        "seconds": seconds,
        "melem_s": elements / seconds / 1e6,
    }
    return Outcome(document, _text(document))


def _arguments(specs: list[str], csv_header: str, tables: frozenset[int]) -> list[_Named]:
    """Read the files and numbers in order, each with what to call it, and check that their shapes go together.

    `tables` are the places of arguments that the kernel takes whole, whose shapes are their own.
    """
    named: list[_Named] = []
    for spec in specs:
        number = _number(spec)
        if number is not None:
            named.append((spec, number))
            continue
        found = files.read_arrays(spec, csv_header, _note)
        several = len(found) > 1
        named.extend((f"{spec}:{name}" if several else spec, array) for name, array in found)
    mapped = [one for place, one in enumerate(named) if place not in tables]
    try:
        np.broadcast_shapes(*(np.shape(argument) for _, argument in mapped))
    except ValueError as error:
        shapes = ", ".join(f"{name} {np.shape(argument)}" for name, argument in mapped)
        raise UsageError(f"the arrays' lengths don't go together: {shapes}") from error
    return named


def _note(line: str) -> None:
    """Tell what was taken from a file."""
    print(line, file=sys.stderr, flush=True)


def _number(text: str) -> int | float | None:
    """Parse a literal number; None for anything else."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return None


def _map(
    runtime: hr.Runtime, kernel: hr.Kernel, arguments: list[_Named], options: argparse.Namespace
) -> tuple[Any, float]:
    """Run the batch and time it (seconds). Arguments that the kernel doesn't take are the user's error."""
    progress = sys.stderr.isatty() and not options.no_progress
    begin = time.perf_counter()
    try:
        result = runtime.map(
            kernel,
            *(argument for _, argument in arguments),
            path=options.path,
            chunk_size=options.chunk_size,
            timeout=options.timeout,
            progress=progress,
        )
    except (TypeError, ValueError, OverflowError) as error:
        # The runtime counts its arguments; the user knows them by their files.
        names = [f"arrays[{n}] is {name}" for n, (name, _) in enumerate(arguments) if f"arrays[{n}]" in str(error)]
        raise UsageError("; ".join([_without_python(str(error)), *names])) from error
    return result, max(time.perf_counter() - begin, math.ulp(1.0))


def _without_python(message: str) -> str:
    """Cut the advice for people who hold the array in Python."""
    return re.sub(r"; [^;:]*: (a|np)\.\w+\([^)]*\)", "", message)


def _columns(result: Any) -> dict[str, NDArray[Any]]:
    """Name the results: `result`, or `result_0`, `result_1`, … of a kernel with several."""
    if isinstance(result, tuple):
        return {f"result_{position}": np.asarray(array) for position, array in enumerate(result)}
    return {"result": np.asarray(result)}


def _text(document: dict[str, Any]) -> str:
    """Show the document to people."""
    path, chunk = document["path"], document["chunk_size"]
    if document["metrics"]:
        chunk = f"{chunk} ({document['reason']})"
    else:
        path = "metrics are off" if path == "auto" else path
        chunk = "metrics are off" if chunk is None else chunk
    return "\n".join(
        (
            f"{document['kernel']}: {counted(document['elements'], 'element')} written to {document['out']}",
            f"path        {path}, {counted(document['threads'], 'thread')}",
            f"chunk size  {chunk}",
            f"time        {_duration(document['seconds'])}, {document['melem_s']:.4g} Melem/s",
        )
    )


def _duration(seconds: float) -> str:
    """Show a time with a unit that fits."""
    for unit, factor in (("s", 1.0), ("ms", 1e3)):
        if seconds * factor >= 1.0:
            return f"{seconds * factor:.4g} {unit}"
    return f"{seconds * 1e6:.4g} µs"
