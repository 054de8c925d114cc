//! Calls through kernels against the same functions called from Rust: every dtype, arity and place of an argument.
//!
//! The functions mix the *bits* of their arguments, each multiplied by a number of its own, so that an argument that is
//! lost, swapped, truncated, wrongly extended or converted changes the result.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::buffer::{DType, Element, View};
use crate::kernel::{Batch, Control, Ctx, Status};

trait Number: Element {
    /// Values where widening, sign or rounding would show.
    const EDGES: [Self; 8];
    /// The value's bits, zero-extended.
    fn bits(self) -> u64;
    /// The value whose bits are the lowest ones of `bits`.
    fn from_bits(bits: u64) -> Self;
}

macro_rules! integers {
    ($($ty:ident)*) => {$(
        impl Number for $ty {
            const EDGES: [Self; 8] =
                [0, 1, Self::MAX, Self::MIN, Self::MAX - 1, Self::MIN + 1, Self::MAX / 3, Self::MAX / 2 + 1];
            fn bits(self) -> u64 {
                let mut bytes = [0; 8];
                bytes[..size_of::<Self>()].copy_from_slice(&self.to_le_bytes());
                u64::from_le_bytes(bytes)
            }
            fn from_bits(bits: u64) -> Self {
                bits as Self
            }
        }
    )*};
}
integers!(i32 i64 u32 u64);

macro_rules! floats {
    ($($ty:ident $bits:ident $signalling_nan:literal),*) => {$(
        impl Number for $ty {
            const EDGES: [Self; 8] = [
                0.1, -0.0, Self::MAX, Self::MIN_POSITIVE / 2.0, Self::NEG_INFINITY, Self::NAN, -1.5,
                Self::from_bits($signalling_nan),
            ];
            fn bits(self) -> u64 {
                u64::from(self.to_bits())
            }
            fn from_bits(bits: u64) -> Self {
                Self::from_bits(bits as $bits)
            }
        }
    )*};
}
floats!(f32 u32 0xffa0_1234, f64 u64 0xfff4_0000_1234_5678);

/// A result that depends on every bit of every argument and on their order.
fn mix<R: Number>(arguments: &[u64]) -> R {
    let mixed = arguments
        .iter()
        .fold(arguments.len() as u64, |mixed, bits| (mixed ^ bits).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29));
    R::from_bits(mixed)
}

/// Argument `k` of 64 elements: the edges, in an order that differs from its neighbours'.
fn column<T: Number>(k: usize) -> Vec<T> {
    (0..64).map(|i| T::EDGES[(i * (2 * k + 1) + i / 8 * (k + 1)) % 8]).collect()
}

/// Runs both forms of `kernel` over `inputs`; the chunk form in two parts.
fn both_forms<R: Number>(kernel: &Kernel, inputs: &[View<'_>]) -> [Vec<R>; 2] {
    let chunk = kernel.chunk.expect("foreign kernels have a chunk form");
    let n = inputs[0].len();
    [false, true].map(|chunked| {
        let mut out = vec![R::default(); n as usize];
        let batch = Batch::new(inputs.to_vec(), vec![View::output(&mut out)]).unwrap();
        kernel.accepts(&batch).unwrap();
        let control = Control::default();
        let ctx = Ctx::new(kernel, &batch, &control);
        if chunked {
            assert_eq!(chunk(&ctx, n / 3, n), Status::DONE);
            assert_eq!(chunk(&ctx, 0, n / 3), Status::DONE);
        } else {
            assert!((0..n).all(|index| (kernel.element)(&ctx, index) == Status::DONE));
        }
        drop(batch);
        out
    })
}

/// The function as [`foreign`] calls it, and from three arguments on through libffi, too.
///
/// # Safety
/// As [`foreign`].
unsafe fn every_way(address: usize, signature: &Signature) -> Vec<Kernel> {
    // SAFETY: the caller's promise.
    let (chosen, through_libffi) =
        unsafe { (foreign("function", address, signature.clone()), libffi::nary(address, signature)) };
    let mut kernels = vec![chosen.unwrap()];
    if signature.inputs.len() > 2 {
        kernels.push(through_libffi.unwrap().into_kernel("function", signature.clone()));
    }
    kernels
}

fn equal_bits<R: Number>(got: &[R], expected: &[R]) -> bool {
    got.len() == expected.len() && got.iter().zip(expected).all(|(a, b)| a.bits() == b.bits())
}

/// Checks the function `$R($T, ...)` that mixes its arguments.
macro_rules! check {
    ($R:ty; $($x:ident: $T:ty),*) => {{
        extern "C" fn function($($x: $T),*) -> $R {
            mix(&[$($x.bits()),*])
        }
        let signature = Signature { inputs: vec![$(<$T>::DTYPE),*], outputs: vec![<$R>::DTYPE] };
        let shown = signature.to_string();
        // SAFETY: `function` has the signature that is made of its types beside it, and is pure.
        let kernels = unsafe { every_way(function as *const () as usize, &signature) };
        let mut place = 0..;
        $(let $x = column::<$T>(place.next().unwrap());)*
        let expected: Vec<$R> = (0..64).map(|i| mix(&[$($x[i].bits()),*])).collect();
        for got in kernels.iter().flat_map(|kernel| both_forms::<$R>(kernel, &[$(View::input(&$x)),*])) {
            assert!(equal_bits(&got, &expected), "{shown}: {got:?} is not {expected:?}");
        }
    }};
}

/// Runs `$check!` with each of the six types in front of the arguments.
macro_rules! each_type {
    ($check:ident $(; $($rest:tt)*)?) => {
        $check!(i32 $(; $($rest)*)?);
        $check!(i64 $(; $($rest)*)?);
        $check!(u32 $(; $($rest)*)?);
        $check!(u64 $(; $($rest)*)?);
        $check!(f32 $(; $($rest)*)?);
        $check!(f64 $(; $($rest)*)?);
    };
}

#[test]
fn one_argument_of_every_dtype() {
    macro_rules! argument {
        ($A:ty) => {
            each_type!(check; a: $A)
        };
    }
    each_type!(argument);
}

#[test]
fn two_arguments_of_every_dtype() {
    macro_rules! second {
        ($B:ty; $A:ty) => {
            each_type!(check; a: $A, b: $B)
        };
    }
    macro_rules! first {
        ($A:ty) => {
            each_type!(second; $A)
        };
    }
    each_type!(first);
}

#[test]
fn three_to_eight_arguments_of_one_dtype() {
    macro_rules! arities {
        ($T:ty) => {
            check!($T; a: $T, b: $T, c: $T);
            check!($T; a: $T, b: $T, c: $T, d: $T);
            check!($T; a: $T, b: $T, c: $T, d: $T, e: $T);
            check!($T; a: $T, b: $T, c: $T, d: $T, e: $T, f: $T);
            check!($T; a: $T, b: $T, c: $T, d: $T, e: $T, f: $T, g: $T);
            check!($T; a: $T, b: $T, c: $T, d: $T, e: $T, f: $T, g: $T, h: $T);
        };
    }
    each_type!(arities);
}

#[test]
fn mixed_arguments_in_registers_and_on_the_stack() {
    // x86-64 has six integer registers, aarch64 eight; what comes after lies on the stack.
    each_type!(check; a: f64, b: i32, c: f32);
    each_type!(check; a: i64, b: f32, c: u32, d: f64);
    each_type!(check; a: u32, b: u64, c: f64, d: i32, e: f32);
    each_type!(check; a: f32, b: f32, c: i32, d: u32, e: f64, f: i64);
    each_type!(check; a: i32, b: i64, c: u32, d: u64, e: i32, f: i64, g: u32);
    each_type!(check; a: i64, b: f64, c: i32, d: f32, e: u64, f: f64, g: u32, h: f32);
    each_type!(check; a: i32, b: u32, c: i64, d: u64, e: i32, f: u32, g: i32, h: f32);
    each_type!(check; a: f64, b: u64, c: i64, d: u32, e: i32, f: u64, g: i64, h: i32);
    each_type!(check; a: u64, b: i64, c: i32, d: u32, e: u64, f: i64, g: u32, h: i32);
}

extern "C" fn twice(x: i32) -> i32 {
    x.wrapping_mul(2)
}

extern "C" fn weigh(a: i32, b: f64, c: i64) -> f64 {
    f64::from(a) * 100.0 + b * 10.0 + c as f64
}

fn kernel(text: &str, address: usize) -> Kernel {
    // SAFETY: every test passes a function with the signature beside it.
    unsafe { foreign("function", address, parse_signature(text).unwrap()) }.unwrap()
}

#[test]
fn strided_and_repeated_operands() {
    let a = [1, 2, 3, 4, 5, 6_i32];
    // SAFETY: elements 5, 3 and 1 of `a`, two elements apart.
    let backwards = unsafe { View::from_raw((&raw const a[5]).cast_mut().cast(), -8, 3, DType::Int32, false) };
    let (b, c) = (0.5, [7, 8, 9_i64]);
    let inputs = [backwards, View::scalar(&b, 3), View::input(&c)];
    let weighed = kernel("f64(i32, f64, i64)", weigh as *const () as usize);
    assert_eq!(both_forms::<f64>(&weighed, &inputs), [[612.0, 413.0, 214.0], [612.0, 413.0, 214.0]]);
    let doubled = kernel("i32(i32)", twice as *const () as usize);
    assert_eq!(both_forms::<i32>(&doubled, &[backwards]), [[12, 8, 4], [12, 8, 4]]);
}

#[test]
fn many_threads_share_a_kernel() {
    let kernel = kernel("f64(i32, f64, i64)", weigh as *const () as usize);
    let a: Vec<i32> = (0..10_000).collect();
    let b: Vec<f64> = a.iter().map(|a| f64::from(a % 7)).collect();
    let c: Vec<i64> = a.iter().map(|a| i64::from(a % 11)).collect();
    let mut out = vec![0.0; a.len()];
    let batch =
        Batch::new(vec![View::input(&a), View::input(&b), View::input(&c)], vec![View::output(&mut out)]).unwrap();
    let control = Control::default();
    let ctx = Ctx::new(&kernel, &batch, &control);
    std::thread::scope(|scope| {
        for part in 0..4 {
            let (ctx, chunk) = (&ctx, kernel.chunk.unwrap());
            scope.spawn(move || assert_eq!(chunk(ctx, part * 2_500, (part + 1) * 2_500), Status::DONE));
        }
    });
    drop(batch);
    let expected: Vec<f64> = (0..a.len()).map(|i| weigh(a[i], b[i], c[i])).collect();
    assert_eq!(out, expected);
}

/// How the functions of the test below reach the batch that they stop: its control, and calls so far.
static STOPPING: [LazyLock<(Control, AtomicU64)>; 3] = [const { LazyLock::new(Default::default) }; 3];

/// Counts a call of the function with `arity` arguments; the tenth stops its batch.
fn count_and_stop(arity: usize) {
    let (control, calls) = &*STOPPING[arity - 1];
    if calls.fetch_add(1, Ordering::Relaxed) == 9 {
        control.stop();
    }
}

#[test]
fn a_stop_is_seen_before_the_next_call() {
    extern "C" fn one(a: i64) -> i64 {
        count_and_stop(1);
        a
    }
    extern "C" fn two(a: i64, _: i64) -> i64 {
        count_and_stop(2);
        a
    }
    extern "C" fn three(a: i64, _: i64, _: i64) -> i64 {
        count_and_stop(3);
        a
    }
    let functions = [
        ("i64(i64)", one as *const () as usize),
        ("i64(i64, i64)", two as *const () as usize),
        ("i64(i64, i64, i64)", three as *const () as usize),
    ];
    let data: Vec<i64> = (1..=100).collect();
    for ((text, address), (control, calls)) in functions.into_iter().zip(STOPPING.iter().map(LazyLock::force)) {
        let mut out = vec![0; data.len()];
        let kernel = kernel(text, address);
        let inputs = vec![View::input(&data); kernel.signatures[0].inputs.len()];
        let batch = Batch::new(inputs, vec![View::output(&mut out)]).unwrap();
        let status = kernel.chunk.unwrap()(&Ctx::new(&kernel, &batch, control), 0, 100);
        drop(batch);
        assert_eq!((status, calls.load(Ordering::Relaxed)), (Status::STOPPED, 10), "{text}");
        assert_eq!(out[..10], data[..10]);
        assert!(out[10..].iter().all(|value| *value == 0));
    }
}

#[test]
fn signatures_made_by_hand_are_checked() {
    let refused = |inputs: Vec<DType>, outputs: Vec<DType>| {
        let signature = Signature { inputs, outputs };
        // SAFETY: no kernel is made.
        let error = unsafe { foreign("f", twice as *const () as usize, signature) }.unwrap_err();
        assert!(matches!(error, Error::InvalidArgument { name: "signature", .. }), "{error:?}");
    };
    refused(vec![], vec![DType::Int32]);
    refused(vec![DType::Int32; 9], vec![DType::Int32]);
    refused(vec![DType::Int32], vec![]);
    refused(vec![DType::Int32], vec![DType::Int32; 2]);
    refused(vec![DType::Int8], vec![DType::Int32]);
    refused(vec![DType::Int32; 4], vec![DType::Object]);
}

#[test]
fn null_is_refused() {
    // SAFETY: no kernel is made.
    let error = unsafe { foreign("f", 0, parse_signature("i32(i32)").unwrap()) }.unwrap_err();
    assert_eq!(error.to_string(), "pointer: 0x0 is a null pointer");
}
