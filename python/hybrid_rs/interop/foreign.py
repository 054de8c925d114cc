"""What people hold a C function by, resolved to its address and signature.

Nothing is imported for the sake of the objects that may come: cffi, Numba and SciPy are told by what their objects look
like, so that they need not be installed.
"""

from __future__ import annotations

import ctypes
import numbers
import operator
import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Resolved", "resolve"]

_ACCEPTED = (
    "an address, a ctypes function or c_void_p, a cffi function pointer, a numba.cfunc, "
    "or a PyCapsule in the form of scipy.LowLevelCallable"
)
_SHORT = {"i32": "int32", "i64": "int64", "u32": "uint32", "u64": "uint64", "f32": "float32", "f64": "float64"}
_DTYPES = frozenset(_SHORT.values())

# C names of fixed or pointer size; names made of int, long and so on are put together in `_dtype_of_c`.
_TYPEDEFS: dict[str, Any] = {
    "int32_t": ctypes.c_int32,
    "int64_t": ctypes.c_int64,
    "uint32_t": ctypes.c_uint32,
    "uint64_t": ctypes.c_uint64,
    "size_t": ctypes.c_size_t,
    "ssize_t": ctypes.c_ssize_t,
    "Py_ssize_t": ctypes.c_ssize_t,
    "intptr_t": ctypes.c_ssize_t,
    "ptrdiff_t": ctypes.c_ssize_t,
    "uintptr_t": ctypes.c_size_t,
}
_C_WORDS = frozenset(
    {"char", "short", "int", "long", "signed", "unsigned", "float", "double", "complex", "_Complex", *_TYPEDEFS}
)
_CTYPES_SIGNED = "ilq"
_CTYPES_UNSIGNED = "ILQ"
_NEEDS_GIL = 0x4  # FUNCFLAG_PYTHONAPI of CPython's Modules/_ctypes/ctypes.h

_FunctionPointer = ctypes.CFUNCTYPE(None).__mro__[1]  # the base of all ctypes functions, which has no public name
# Prototypes of our own: ctypes.pythonapi's functions are shared, and others may have set their types otherwise.
_capsule_name = ctypes.PYFUNCTYPE(ctypes.c_char_p, ctypes.py_object)(("PyCapsule_GetName", ctypes.pythonapi))
_capsule_pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)


@dataclass(frozen=True)
class Resolved:
    """A C function, ready for the core.

    Attributes:
        address: Where it is.
        signature: Its result and argument dtypes, as "int32(int64, float64)".
        name: What it is called, or the address in hexadecimal where it has no name.
        keep_alive: What its code belongs to; must live as long as the function is called.
    """

    address: int
    signature: str
    name: str
    keep_alive: object


@dataclass(frozen=True)
class _Found:
    """What a pointer tells of itself; None stands for what it does not tell."""

    address: int
    what: str
    name: str | None = None
    result: str | None = None
    arguments: tuple[str, ...] | None = None


def resolve(pointer: object, signature: str | None) -> Resolved:
    """Find the address behind ``pointer``, and check or derive its signature.

    Args:
        pointer: An address, a ctypes function or c_void_p, a cffi function pointer, a ``numba.cfunc``, a PyCapsule
            whose name is its C signature, or a ``scipy.LowLevelCallable`` without user data.
        signature: As "int32(int64, float64)", of int32, int64, uint32, uint64, float32 and float64 (or i32 to f64), or
            of C's names, as "int (long, double)". None: the types that the pointer declares itself.

    Returns:
        Address, signature and name. A signature that is malformed is handed on as it is: the core refuses it.

    Raises:
        TypeError: If ``pointer`` is none, points to data, needs the GIL, or declares types that can't be used or differ
            from ``signature``; if ``signature`` is no text, or is missing where the pointer declares no types.
        ValueError: If the address is null, negative or too large, or a capsule's name is not a C signature or takes
            user data.
    """
    if signature is not None:
        _check_text(signature)
    found = _find(pointer)
    if found.address < 0 or found.address >= 1 << 8 * ctypes.sizeof(ctypes.c_void_p):
        raise ValueError(f"pointer: {found.address} is not an address")
    if found.address == 0:
        raise ValueError("pointer: is a null pointer")
    name = str(found.name or f"foreign_{found.address:#x}").encode("utf-8", "backslashreplace").decode()
    keep_alive = None if isinstance(pointer, numbers.Integral) else pointer
    return Resolved(found.address, _agree(signature, found), name, keep_alive)


def _check_text(signature: object) -> None:
    if not isinstance(signature, str):
        raise TypeError(f"signature: must be a str such as 'int32(int64, float64)', not {type(signature).__name__}")
    try:
        signature.encode()
    except UnicodeEncodeError:
        raise ValueError(f"signature: {signature!r} is no valid text") from None


def _find(pointer: Any) -> _Found:
    if not isinstance(pointer, bool) and isinstance(pointer, numbers.Integral):
        return _Found(operator.index(pointer), "an address")
    if isinstance(pointer, tuple) and any(base.__name__ == "LowLevelCallable" for base in type(pointer).__mro__):
        return _find_low_level_callable(pointer)
    if _is_capsule(pointer):
        return _find_capsule(pointer)
    if isinstance(pointer, _FunctionPointer):
        return _find_ctypes(pointer)
    if isinstance(pointer, ctypes.c_void_p):
        return _Found(pointer.value or 0, "a c_void_p")
    if _is_ctypes_data(pointer):
        raise TypeError(f"pointer: {type(pointer).__name__} is data, not a function")
    backend = sys.modules.get("_cffi_backend")
    if backend is not None and isinstance(pointer, backend.FFI.CData):
        return _find_cffi(pointer, backend.FFI())
    address = getattr(pointer, "address", None)
    if isinstance(address, int) and not isinstance(address, bool):
        return _find_numba(pointer, address)
    raise TypeError(f"pointer: must be {_ACCEPTED}, not {type(pointer).__name__}{_hint(pointer)}")


def _hint(pointer: object) -> str:
    """Say what to do about things that are close to a C function."""
    if type(getattr(pointer, "__self__", None)).__module__ == "_cffi_backend":
        return "; for a function of a compiled cffi module pass ffi.addressof(lib, 'name')"
    if type(pointer).__module__.partition(".")[0] == "numba":
        return "; compile the function with numba.cfunc"
    if callable(pointer):
        return "; for a Python function use hybrid_rs.dyn"
    return ""


def _find_ctypes(function: Any) -> _Found:
    """Read a function of a CDLL or a CFUNCTYPE object."""
    name = getattr(function, "__name__", None)
    what = f"the ctypes function {name or ''}".rstrip()
    if getattr(type(function), "_flags_", 0) & _NEEDS_GIL:
        raise TypeError(f"pointer: {what} needs the GIL (it comes from PyDLL or PYFUNCTYPE), which kernels run without")
    address = ctypes.cast(function, ctypes.c_void_p).value or 0
    result, arguments = function.restype, function.argtypes
    if arguments is None:
        # An undeclared function has restype c_int all the same, so that one says nothing.
        known = None if result is ctypes.c_int else _dtype_of_ctypes(result, f"result of {what}")
        return _Found(address, what, name, known)
    dtypes = tuple(_dtype_of_ctypes(kind, f"argument {k + 1} of {what}") for k, kind in enumerate(arguments))
    return _Found(address, what, name, _dtype_of_ctypes(result, f"result of {what}"), dtypes)


def _is_ctypes_data(thing: Any) -> bool:
    try:
        return ctypes.sizeof(thing) >= 0 and not isinstance(thing, type)
    except TypeError:
        return False


def _dtype_of_ctypes(kind: Any, where: str) -> str:
    code = getattr(kind, "_type_", None)
    if isinstance(code, str) and ctypes.sizeof(kind) in {4, 8}:
        bits = 8 * ctypes.sizeof(kind)
        if code in _CTYPES_SIGNED:
            return f"int{bits}"
        if code in _CTYPES_UNSIGNED:
            return f"uint{bits}"
        if code in {"f", "d"}:
            return f"float{bits}"
    raise _unusable(where, getattr(kind, "__name__", repr(kind)))


def _find_cffi(pointer: Any, ffi: Any) -> _Found:
    """Read a cffi function pointer or ``void *``."""
    kind = ffi.typeof(pointer)
    what = f"the cffi object {kind.cname!r}"
    if kind.kind == "function":
        if kind.ellipsis:
            raise TypeError(f"pointer: {what} takes variable arguments")
        address = int(ffi.cast("uintptr_t", pointer))
        return _Found(address, what, None, *_dtypes_of_c(kind.result.cname, [arg.cname for arg in kind.args], what))
    if kind.kind == "pointer" and kind.item.kind == "void":
        return _Found(int(ffi.cast("uintptr_t", pointer)), what)
    raise TypeError(f"pointer: {what} is data, not a function")


def _find_numba(function: Any, address: int) -> _Found:
    """Read a ``numba.cfunc``, or what has its attributes."""
    name = getattr(function, "__name__", None)
    what = f"the {type(function).__name__} {name or ''}".rstrip()
    declared = getattr(function, "_sig", None)
    if declared is None:
        return _Found(address, what, name)
    declared_arguments = getattr(declared, "args", None)
    if not isinstance(declared_arguments, tuple | list) or not hasattr(declared, "return_type"):
        raise TypeError(f"pointer: the _sig of {what} has no return_type and args as a numba.cfunc's: {declared!r}")
    result, *arguments = (str(kind) for kind in (declared.return_type, *declared_arguments))
    for where, dtype in _places(result, arguments):
        if dtype not in _DTYPES:
            raise _unusable(f"{where} of {what}", dtype)
    return _Found(address, what, name, result, tuple(arguments))


def _find_low_level_callable(pointer: tuple[Any, ...]) -> _Found:
    """Read a ``scipy.LowLevelCallable``: a tuple of a capsule, what it was made of, and its user data."""
    capsule, *made_of = pointer
    if not _is_capsule(capsule):
        raise TypeError(f"pointer: {type(pointer).__name__} without a PyCapsule as its first item")
    found = _find_capsule(capsule)
    name = getattr(made_of[0], "__name__", None) if made_of else None
    return _Found(found.address, found.what, name, found.result, found.arguments)


def _is_capsule(thing: object) -> bool:
    # types.CapsuleType came with Python 3.13.
    return type(thing).__name__ == "PyCapsule" and type(thing).__module__ == "builtins"


def _find_capsule(capsule: object) -> _Found:
    """Read a capsule whose name is a C signature, the form that SciPy and Cython use."""
    encoded: bytes | None = _capsule_name(capsule)
    if encoded is None:
        raise ValueError("pointer: the PyCapsule has no name, which should be its C signature")
    text = encoded.decode("utf-8", "replace")
    match = re.fullmatch(r"\s*([^()]*\w[^()]*)\(([^()]*)\)\s*(noexcept\b.*)?", text)
    if match is None:
        raise ValueError(f"pointer: the PyCapsule's name {text!r} is not a C signature such as 'double (double)'")
    what = f"the PyCapsule {text!r}"
    arguments = [] if match[2].strip() in {"", "void"} else match[2].split(",")
    if arguments and re.fullmatch(r"\s*(const\s+)?void\s*\*\s*\w*\s*", arguments[-1]):
        raise ValueError(f"pointer: {what} takes user data (void *), which kernels have none of")
    return _Found(_capsule_pointer(capsule, encoded) or 0, what, None, *_dtypes_of_c(match[1], arguments, what))


def _dtypes_of_c(result: str, arguments: Iterable[str], what: str) -> tuple[str, tuple[str, ...]]:
    places = _places(result, arguments)
    result_dtype, *dtypes = (_dtype_of_c(text, f"{where} of {what}") for where, text in places)
    return result_dtype, tuple(dtypes)


def _dtype_of_c(text: str, where: str) -> str:
    """Dtype of a C type such as "unsigned long", which may be followed by a parameter's name."""
    words = [word for word in re.findall(r"\w+|[^\w\s]", text) if word not in {"const", "volatile"}]
    if len(words) > 1 and words[-1].isidentifier() and words[-1] not in _C_WORDS:
        words.pop()
    kind: Any = None
    if len(words) == 1:
        kind = _TYPEDEFS.get(words[0], {"float": ctypes.c_float, "double": ctypes.c_double}.get(words[0]))
    rest = sorted(word for word in words if word != "long")
    if rest in ([], ["int"], ["signed"], ["int", "signed"]) and words:
        kind = (ctypes.c_int, ctypes.c_long, ctypes.c_longlong, None)[min(words.count("long"), 3)]
    elif rest in (["unsigned"], ["int", "unsigned"]):
        kind = (ctypes.c_uint, ctypes.c_ulong, ctypes.c_ulonglong, None)[min(words.count("long"), 3)]
    if kind is None:
        raise _unusable(where, text.strip())
    return _dtype_of_ctypes(kind, where)


def _places(result: str, arguments: Iterable[str]) -> list[tuple[str, str]]:
    return [("result", result), *((f"argument {k + 1}", text) for k, text in enumerate(arguments))]


def _unusable(where: str, kind: str) -> TypeError:
    return TypeError(f"pointer: the {where} is {kind}, not an int or float of 32 or 64 bits")


def _agree(signature: str | None, found: _Found) -> str:
    """Signature to use: what was passed, if the pointer says nothing else, or what the pointer says."""
    if signature is None:
        if found.result is None or found.arguments is None:
            raise TypeError(f"signature: is needed, because {found.what} does not declare its types")
        return _shown(found.result, found.arguments)
    parsed = _parse(signature)
    if parsed is None:
        return signature
    result, arguments = parsed
    if not _DTYPES.issuperset((result, *arguments)):
        return _shown(result, arguments)
    if found.result not in {None, result} or found.arguments not in {None, arguments}:
        declared = f"the result {found.result}"
        if found.arguments is not None:
            declared = _shown(str(found.result), found.arguments)
        raise TypeError(f"signature: {signature!r} does not match {found.what}, which declares {declared}")
    return _shown(result, arguments)


def _parse(signature: str) -> tuple[str, tuple[str, ...]] | None:
    """Dtypes of a well-formed signature, unknown ones as they are; None for another. The core refuses both."""
    match = re.fullmatch(r"\s*(\w[\w\s]*)\(([\w\s,]*)\)\s*", signature)
    if match is None:
        return None
    result, *arguments = (_dtype_of_name(name.strip()) for name in (match[1], *match[2].split(",")))
    return result, tuple(arguments)


def _dtype_of_name(name: str) -> str:
    """Dtype of a type in a signature: a dtype, or a type of C; unknown ones as they are."""
    dtype = _SHORT.get(name, name)
    try:
        return dtype if dtype in _DTYPES else _dtype_of_c(name, "signature")
    except TypeError:
        return name


def _shown(result: str, arguments: Iterable[str]) -> str:
    return f"{result}({', '.join(arguments)})"
