"""Programs of the VM's printer on the VM: random functions against the reference, on every path and with many blocks."""

import random
from typing import Any

import irgen
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from numpy.typing import NDArray

import hybrid_rs as hr
from hybrid_rs import _core, calls
from hybrid_rs.ir import reference
from hybrid_rs.ir.nodes import Function, Param, Table
from hybrid_rs.ir.types import ALL, BOOL, FLOAT64, INT32
from hybrid_rs.targets import vm
