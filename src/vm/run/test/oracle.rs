//! What ops mean, on one value at a time: integers as i128, remainders of floats by long division.

use crate::buffer::DType;

/// A value, decoded from its bits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Value {
    Int(i128),
    Single(f32),
    Double(f64),
}

use Value::{Double, Int, Single};

fn width(dtype: DType) -> u32 {
    dtype.size() as u32 * 8
}

fn signed(dtype: DType) -> bool {
    matches!(dtype, DType::Int8 | DType::Int16 | DType::Int32 | DType::Int64)
}

fn range(dtype: DType) -> (i128, i128) {
    let w = width(dtype);
    if signed(dtype) { (-(1 << (w - 1)), (1 << (w - 1)) - 1) } else { (0, (1 << w) - 1) }
}

pub(super) fn decode(dtype: DType, bits: u64) -> Value {
    match dtype {
        DType::Float32 => Single(f32::from_bits(bits as u32)),
        DType::Float64 => Double(f64::from_bits(bits)),
        _ if signed(dtype) && bits >> (width(dtype) - 1) & 1 != 0 => Int(i128::from(bits) - (1 << width(dtype))),
        _ => Int(bits.into()),
    }
}

/// Bits of a result, wrapped to its type, a nan made canonical.
pub(super) fn encode(dtype: DType, value: Value) -> u64 {
    match value {
        Single(x) if x.is_nan() => 0x7fc0_0000,
        Double(x) if x.is_nan() => 0x7ff8_0000_0000_0000,
        Single(x) => x.to_bits().into(),
        Double(x) => x.to_bits(),
        Int(x) => (x as u64) & (u64::MAX >> (64 - width(dtype))),
    }
}

fn truth(value: bool) -> Result<Value, ()> {
    Ok(Int(value.into()))
}

/// The result of `op` on operands of type `t`, to be of type `r`; `Err` for a fault.
pub(super) fn evaluate(op: &str, t: DType, r: DType, operands: &[Value]) -> Result<Value, ()> {
    match (op, operands) {
        ("select", [Int(a), b, c]) => Ok(if *a != 0 { *b } else { *c }),
        ("mov", [a]) => Ok(*a),
        ("from_bits", [Int(bits)]) => Ok(decode(r, *bits as u64)),
        ("cast", [a]) => Ok(cast(*a, r)),
        ("cast_checked", [a]) => fits(*a, r).then(|| cast(*a, r)).ok_or(()),
        (_, [Int(a)]) => int_one(op, t, *a),
        (_, [Int(a), Int(b)]) => int_two(op, t, *a, *b),
        (_, [Single(a)]) => single_one(op, *a),
        (_, [Single(a), Single(b)]) => single_two(op, *a, *b),
        ("fma", [Single(a), Single(b), Single(c)]) => Ok(Single(libm::fmaf(*a, *b, *c))),
        (_, [Double(a)]) => double_one(op, *a),
        (_, [Double(a), Double(b)]) => double_two(op, *a, *b),
        ("fma", [Double(a), Double(b), Double(c)]) => Ok(Double(libm::fma(*a, *b, *c))),
        (_, [a, b, c]) => {
            let (first, second) = op.split_once('_').unwrap_or_else(|| panic!("no oracle for {op} of {operands:?}"));
            let between = decode(t, encode(t, evaluate(first, t, t, &[*a, *b])?));
            match second {
                "rsub" => evaluate("sub", t, r, &[*c, between]),
                _ => evaluate(second, t, r, &[between, *c]),
            }
        }
        _ => panic!("no oracle for {op} of {operands:?}"),
    }
}

fn cast(a: Value, to: DType) -> Value {
    let (low, high) = range(to);
    let saturate = |x: f64| if x.is_nan() { 0 } else { (x.clamp(-1e30, 1e30) as i128).clamp(low, high) };
    match (a, to) {
        (Int(x), DType::Float32) => Single(x as f32),
        (Int(x), DType::Float64) => Double(x as f64),
        (Int(x), DType::Bool) => Int((x != 0).into()),
        (Int(x), _) => Int(x),
        (Single(x), DType::Float64) => Double(x.into()),
        (Single(x), DType::Bool) => Int((x != 0.0).into()),
        (Single(x), _) => Int(saturate(x.into())),
        (Double(x), DType::Float32) => Single(x as f32),
        (Double(x), DType::Bool) => Int((x != 0.0).into()),
        (Double(x), _) => Int(saturate(x)),
    }
}

fn fits(a: Value, to: DType) -> bool {
    let (low, high) = range(to);
    let whole = |x: f64| x.abs() < 1e30 && (low..=high).contains(&(x as i128));
    match a {
        Int(x) => (low..=high).contains(&x),
        Single(x) => whole(x.into()),
        Double(x) => whole(x),
    }
}

fn int_one(op: &str, t: DType, a: i128) -> Result<Value, ()> {
    let checked = |x: i128| if (range(t).0..=range(t).1).contains(&x) { Ok(Int(x)) } else { Err(()) };
    match op {
        "neg" => Ok(Int(-a)),
        "abs" => Ok(Int(a.abs())),
        "invert" => Ok(Int(!a)),
        "not" => truth(a == 0),
        "neg_checked" => checked(-a),
        "abs_checked" => checked(a.abs()),
        _ => panic!("no oracle for {op}"),
    }
}

fn power(base: i128, exponent: i128) -> i128 {
    let low = |x: i128| i128::from(x as u64);
    match exponent {
        0 => 1,
        _ if exponent % 2 == 0 => power(low(low(base).wrapping_mul(low(base))), exponent / 2),
        _ => low(low(base).wrapping_mul(power(base, exponent - 1))),
    }
}

fn int_two(op: &str, t: DType, a: i128, b: i128) -> Result<Value, ()> {
    let checked = |x: i128| if (range(t).0..=range(t).1).contains(&x) { Ok(Int(x)) } else { Err(()) };
    let floor = || if a % b != 0 && (a < 0) != (b < 0) { a / b - 1 } else { a / b };
    let past = b < 0 || b >= width(t).into();
    match op {
        "add" => Ok(Int(a + b)),
        "sub" => Ok(Int(a - b)),
        "mul" => Ok(Int(a.wrapping_mul(b))),
        "and" => Ok(Int(a & b)),
        "or" => Ok(Int(a | b)),
        "xor" => Ok(Int(a ^ b)),
        "andn" => Ok(Int(a & !b & 1)),
        "shl" => Ok(Int(if past { 0 } else { a << b })),
        "shr" => Ok(Int(if past { if a < 0 { -1 } else { 0 } } else { a >> b })),
        "min" => Ok(Int(a.min(b))),
        "max" => Ok(Int(a.max(b))),
        "eq" => truth(a == b),
        "ne" => truth(a != b),
        "lt" => truth(a < b),
        "le" => truth(a <= b),
        "gt" => truth(a > b),
        "ge" => truth(a >= b),
        "add_checked" => checked(a + b),
        "sub_checked" => checked(a - b),
        "mul_checked" => checked(a.wrapping_mul(b)),
        "pow" if b < 0 => Err(()),
        "pow" => Ok(Int(power(a, b))),
        "bound" => {
            if a >= -b && a < b {
                Ok(Int(if a < 0 { a + b } else { a }))
            } else {
                Err(())
            }
        }
        _ if b == 0 => Err(()),
        "floordiv" => Ok(Int(floor())),
        "mod" => Ok(Int(a - floor() * b)),
        "quot" => Ok(Int(a / b)),
        "rem" => Ok(Int(a % b)),
        _ => panic!("no oracle for {op}"),
    }
}

/// `a` modulo `b` by long division of their significands: exact, with the sign of `a`.
fn fmod(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() || a.is_infinite() || b == 0.0 {
        return f64::NAN;
    }
    if b.is_infinite() || a == 0.0 {
        return a;
    }
    let parts = |x: f64| {
        let (exponent, fraction) = ((x.to_bits() >> 52 & 0x7ff) as i32, x.to_bits() & ((1 << 52) - 1));
        if exponent == 0 { (fraction, 1) } else { (fraction | 1 << 52, exponent) }
    };
    let ((mut rest, mut at), (by, end)) = (parts(a), parts(b));
    let scale = |x: u64, exponent: i32| {
        // x * 2^(exponent - 1075), exactly, for what fits.
        let half = (exponent - 1075) / 2;
        (x as f64) * 2.0_f64.powi(half) * 2.0_f64.powi(exponent - 1075 - half)
    };
    if at < end {
        return a;
    }
    rest %= by;
    while at > end {
        rest = rest * 2 % by;
        at -= 1;
    }
    scale(rest, end).copysign(a)
}

/// `float.__divmod__` of CPython, with NumPy's answers for zero divisors.
fn divmod(a: f64, b: f64, round: fn(f64) -> f64) -> (f64, f64) {
    if b == 0.0 {
        return (a / b, f64::NAN);
    }
    let mut modulo = fmod(a, b);
    let mut div = round(round(a - modulo) / b);
    if modulo != 0.0 {
        if (b < 0.0) != (modulo < 0.0) {
            modulo = round(modulo + b);
            div = round(div - 1.0);
        }
    } else {
        modulo = 0.0_f64.copysign(b);
    }
    if div == 0.0 {
        return (0.0_f64.copysign(round(a / b)), modulo);
    }
    let floor = libm::floor(div);
    (if round(div - floor) > 0.5 { round(floor + 1.0) } else { floor }, modulo)
}

fn half_even(x: f64) -> f64 {
    let (down, rest) = (libm::floor(x), x - libm::floor(x));
    let up = rest > 0.5 || (rest == 0.5 && libm::fmod(down, 2.0) != 0.0);
    (if up { down + 1.0 } else { down }).copysign(x)
}

fn minimum(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() {
        f64::NAN
    } else if a == 0.0 && b == 0.0 {
        if a.is_sign_negative() || b.is_sign_negative() { -0.0 } else { 0.0 }
    } else {
        a.min(b)
    }
}

fn double_one(op: &str, a: f64) -> Result<Value, ()> {
    Ok(Double(match op {
        "neg" => f64::from_bits(a.to_bits() ^ 1 << 63),
        "abs" => f64::from_bits(a.to_bits() & !(1 << 63)),
        "sqrt" => libm::sqrt(a),
        "floor" => libm::floor(a),
        "ceil" => libm::ceil(a),
        "trunc" => libm::trunc(a),
        "rint" => half_even(a),
        "canon" => a,
        "isnan" => return truth(a.is_nan()),
        "isinf" => return truth(a.abs() == f64::INFINITY),
        "isfinite" => return truth(a.abs() <= f64::MAX),
        "bits" => return Ok(Int(encode(DType::Float64, Double(a)).into())),
        _ => panic!("no oracle for {op}"),
    }))
}

fn double_two(op: &str, a: f64, b: f64) -> Result<Value, ()> {
    Ok(Double(match op {
        "add" => a + b,
        "sub" => a - b,
        "mul" => a * b,
        "div" => a / b,
        "min" => {
            if b < a {
                b
            } else {
                a
            }
        }
        "max" => {
            if b > a {
                b
            } else {
                a
            }
        }
        "minimum" => minimum(a, b),
        "maximum" => -minimum(-a, -b),
        "copysign" => a.abs().copysign(if b.is_nan() { 1.0 } else { b }),
        "fmod" => fmod(a, b),
        "floordiv" => divmod(a, b, |x| x).0,
        "mod" => divmod(a, b, |x| x).1,
        "eq" => return truth(a == b),
        "ne" => return truth(a != b),
        "lt" => return truth(a < b),
        "le" => return truth(a <= b),
        "gt" => return truth(a > b),
        "ge" => return truth(a >= b),
        _ => panic!("no oracle for {op}"),
    }))
}

/// Rounding the float64 result of one operation on float32 operands once more gives the float32 result: 53 bits are
/// more than twice 24 and two.
fn single(value: Value) -> Value {
    match value {
        Double(x) => Single(x as f32),
        other => other,
    }
}

fn single_one(op: &str, a: f32) -> Result<Value, ()> {
    match op {
        "bits" => Ok(Int(encode(DType::Float32, Single(a)).into())),
        _ => double_one(op, a.into()).map(single),
    }
}

fn single_two(op: &str, a: f32, b: f32) -> Result<Value, ()> {
    let round = |x: f64| f64::from(x as f32);
    match op {
        "floordiv" => Ok(Single(divmod(a.into(), b.into(), round).0 as f32)),
        "mod" => Ok(Single(divmod(a.into(), b.into(), round).1 as f32)),
        _ => double_two(op, a.into(), b.into()).map(single),
    }
}
