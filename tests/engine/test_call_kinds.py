"""Arrays of other kinds in calls: subclasses, ``__array_ufunc__`` of others, pandas, NumPy scalars."""

from typing import Any

import numpy as np
import pytest

import hybrid_rs as hr
from oracle import busy_work
from probes import probe

busy = hr.kernels.busy_work
ident = hr.dyn(lambda x: x, "int64")


class Tagged(np.ndarray[Any, Any]):
    """An array with a tag that results inherit."""

    __array_priority__ = 5.0
    tag: object = None

    def __array_finalize__(self, other: object) -> None:
        self.tag = getattr(other, "tag", None)


class Modest(np.ndarray[Any, Any]):
    __array_priority__ = 1.0


class Equal(np.ndarray[Any, Any]):
    """Of the priority that arrays have."""


class Wrapper:
    """No array, but with an opinion on what results are."""

    __array_priority__ = 20.0

    def __init__(self, data: Any) -> None:
        self.data = np.asarray(data)

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray[Any, Any]:
        return np.array(self.data, dtype=dtype)

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> "Wrapper":
        return Wrapper(array)


def tagged(n: int, tag: object) -> Tagged:
    array = np.arange(n).view(Tagged)
    array.tag = tag
    return array


def test_results_are_of_the_arguments_subclass() -> None:
    x = tagged(5, "here")
    result = busy(x, 3)
    assert type(result) is Tagged
    assert result.dtype == np.int32
    assert result.tag == "here"
    np.testing.assert_array_equal(np.asarray(result), busy_work(np.arange(5), 3))
    first, second = probe()(x, np.ones(5, np.int64), np.arange(20.0))
    assert type(first) is type(second) is Tagged


@pytest.mark.parametrize("kind", [Tagged, Modest, Equal])
def test_the_highest_priority_wins_as_in_numpy(kind: type[np.ndarray[Any, Any]]) -> None:
    others = [np.arange(4), np.arange(4).view(Modest), np.arange(4).view(Equal), np.int64(2), 3, tagged(4, 1)]
    for other in others:
        for pair in ((np.arange(4).view(kind), other), (other, np.arange(4).view(kind))):
            assert type(busy(*pair)) is type(np.add(*pair))


def test_objects_that_wrap_results() -> None:
    result = busy(Wrapper(np.arange(4)), tagged(4, 1))
    assert type(result) is Wrapper
    np.testing.assert_array_equal(result.data, busy_work(np.arange(4), np.arange(4)))


def test_matrices_and_memory_maps_give_what_ufuncs_give() -> None:
    matrix = np.arange(6).reshape(2, 3).view(np.matrix)
    assert type(ident(matrix)) is np.matrix
    mapped = np.arange(6).view(np.memmap)
    assert type(ident(mapped)) is np.ndarray


def test_tables_do_not_decide_the_results_class() -> None:
    first, _ = probe()(np.arange(3), np.ones(3, np.int64), np.arange(20.0).view(Tagged))
    assert type(first) is np.ndarray


def test_out_of_a_subclass_is_returned() -> None:
    out = np.zeros(5, np.int32).view(Tagged)
    assert busy(np.arange(5), 3, out=out) is out
    np.testing.assert_array_equal(np.asarray(out), busy_work(np.arange(5), 3))


# __array_ufunc__


class Taker:
    """Takes calls over and keeps what it was given."""

    def __init__(self, answer: Any = "taken") -> None:
        self.answer = answer
        self.calls: list[tuple[Any, ...]] = []

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        self.calls.append((ufunc, method, inputs, kwargs))
        return self.answer


class SubTaker(Taker):
    pass


class OtherTaker(Taker):
    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return super().__array_ufunc__(ufunc, method, *inputs, **kwargs)


class Refuser:
    __array_ufunc__ = None


@pytest.mark.parametrize("kernel", [busy, hr.dyn(lambda x, n: x), probe()])
def test_an_argument_may_take_the_call_over(kernel: hr.Kernel) -> None:
    taker = Taker()
    rest = (1,) if kernel.name != "probe" else (1, np.arange(3.0))
    assert kernel(taker, *rest) == "taken"
    ufunc, method, inputs, kwargs = taker.calls[0]
    assert ufunc is kernel if kernel.nin else ufunc.__name__ == kernel.__name__
    assert ufunc.nin == 1 + len(rest)
    assert method == "__call__"
    assert inputs[:2] == (taker, 1)
    assert kwargs == {}


def test_options_and_out_are_handed_on() -> None:
    taker = Taker()
    out = np.empty(3, np.int32)
    assert busy(np.arange(3), taker, path="seq_direct", out=out, where=[True, False, True]) == "taken"
    kwargs = taker.calls[0][3]
    assert kwargs == {"path": "seq_direct", "out": (out,), "where": [True, False, True]}
    assert busy(np.arange(3), 1, out=taker) == "taken"
    assert taker.calls[1][3] == {"out": (taker,)}


def test_another_runtime_stays_the_one_that_computes() -> None:
    class Again(Taker):
        def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
            assert ufunc.__name__ == "busy_work"
            assert (ufunc.nin, ufunc.nout) == (2, 1)
            return getattr(ufunc, method)(*(np.arange(2000) if x is self else x for x in inputs), **kwargs)

    with hr.Runtime() as rt:
        np.testing.assert_array_equal(rt.map(busy, Again(), 3), busy_work(np.arange(2000), 3))
        assert rt.metrics()["last"]["elements"] == 2000


def test_numpys_order_of_takers() -> None:
    order: list[str] = []

    class Declining(Taker):
        def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
            order.append(type(self).__name__)
            return NotImplemented

    class Derived(Declining):
        pass

    class Unrelated(Declining):
        def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
            return super().__array_ufunc__(ufunc, method, *inputs, **kwargs)

    for arguments in ((Declining(), Derived()), (Unrelated(), Declining()), (Derived(), Declining())):
        order.clear()
        with pytest.raises(TypeError, match=r"operand type\(s\) all returned NotImplemented"):
            np.add(*arguments)
        numpys = list(order)
        order.clear()
        with pytest.raises(TypeError, match=r"operand type\(s\) all returned NotImplemented from __array_ufunc__"):
            busy(*arguments)
        assert order == numpys


def test_an_argument_may_refuse_ufuncs() -> None:
    with pytest.raises(TypeError, match=r"operand 'Refuser' does not support ufuncs \(__array_ufunc__=None\)"):
        busy(Refuser(), 1)


def test_bare_callables_are_handed_over_too() -> None:
    taker = Taker()
    assert hr.map(abs, taker) == "taken"
    # Not as an operator: the taker might compute that in place of the callable.
    assert taker.calls[0][0].__name__ == "hybrid_rs.abs"
    assert taker.calls[0][0](np.array([-3])).tolist() == [3]


def test_a_masked_call_is_handed_over_with_the_flags_as_one_more_result() -> None:
    class Again(Taker):
        def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
            results = getattr(ufunc, method)(*(np.arange(3) if x is self else x for x in inputs), **kwargs)
            assert ufunc.nout == len(results)
            return results

    result, ok = busy(Again(), 3, on_fault="mask")
    np.testing.assert_array_equal(result, busy_work(np.arange(3), 3))
    assert ok.tolist() == [True] * 3
    (first, second), ok = probe()(Again(), np.array([1, 0, 2]), np.arange(20.0), on_fault="mask")
    assert first.tolist() == [0, 0, 1]
    assert second.tolist() == [1.0, 0.0, 2.0]
    assert ok.tolist() == [True, False, True]


def test_pandas_computes_no_operator_in_place_of_a_kernel() -> None:
    pandas = pytest.importorskip("pandas")
    series = pandas.Series([1, 2])
    for name in ("add", "subtract", "rsub", "floor_divide", "neg", "eq", "maximum"):

        def function(x: int, y: int) -> int:
            return x + y + 100

        function.__name__ = name
        assert hr.dyn(function)(series, 3).tolist() == [104, 105]
        assert hr.map(function, 3, series).tolist() == [104, 105]


def test_pandas_with_masked_faults() -> None:
    pandas = pytest.importorskip("pandas")
    series = pandas.Series([1, 0], index=["a", "b"])
    result, ok = hr.map(hr.dyn(lambda x: 6 // x, "int64"), series, on_fault="mask")
    assert (result.to_dict(), ok.to_dict()) == ({"a": 6, "b": 0}, {"a": True, "b": False})
    with pytest.raises(TypeError, match="'Series' does not support such a call"):
        hr.map(hr.dyn(lambda x: 6 // x, "int64"), series, on_fault="mask", out=np.zeros(2, np.int64))


def test_pandas_series_stay_series() -> None:
    pandas = pytest.importorskip("pandas")
    series = pandas.Series([1, 2, 3], index=list("abc"), name="x")
    result = busy(series, 2)
    assert type(result) is pandas.Series
    assert result.index.tolist() == ["a", "b", "c"]
    assert result.name == "x"
    np.testing.assert_array_equal(result.to_numpy(), busy_work(np.array([1, 2, 3]), 2))
    shuffled = pandas.Series([2, 1, 0], index=list("cba"))
    np.testing.assert_array_equal(busy(series, shuffled)[list("abc")], busy_work(np.arange(1, 4), np.arange(3)))
    first, second = probe()(series, series, pandas.Series(np.arange(20.0)))
    assert type(first) is type(second) is pandas.Series
    assert first.tolist() == [1, 1, 1]
    assert second.tolist() == [1.0, 2.0, 3.0]
    frame = pandas.DataFrame({"p": [1, 2], "q": [3, 4]})
    assert busy(frame, 0).to_numpy().tolist() == [[1, 3], [2, 4]]


# NumPy scalars


@pytest.mark.parametrize("name", ["int8", "uint16", "int32", "uint32", "int64", "uint64"])
def test_numpy_scalars_are_arrays_without_axes(name: str) -> None:
    for value in (0, 5, np.iinfo(name).max):
        scalar = np.dtype(name).type(value)
        assert busy(scalar, np.int8(3)) == busy_work(np.array(scalar), 3)
        assert type(busy(scalar, 3)) is np.int32
    assert hr.dyn(lambda x: x * 2)(np.float32(1.5)) == 3.0
    assert hr.dyn(lambda x: not x)(np.bool_(True)) == np.False_
    with pytest.raises(TypeError, match=r"arrays\[0\]: dtype float32"):
        busy(np.float32(1), 2)
