//! Elementary functions: the pure-Rust `libm` crate, which gives the same bits on every machine.

/// A function of one argument, in float32 and float64.
pub(super) type One = (&'static str, fn(f32) -> f32, fn(f64) -> f64);
/// A function of two arguments.
pub(super) type Two = (&'static str, fn(f32, f32) -> f32, fn(f64, f64) -> f64);

/// Calls `$then!` with the name, float32 and float64 form of every function of one argument.
macro_rules! ones {
    ($then:ident) => {
        $then! {
            Exp "exp" expf exp; Exp2 "exp2" exp2f exp2; Expm1 "expm1" expm1f expm1;
            Log "log" logf log; Log2 "log2" log2f log2; Log10 "log10" log10f log10; Log1p "log1p" log1pf log1p;
            Sin "sin" sinf sin; Cos "cos" cosf cos; Tan "tan" tanf tan;
            Asin "asin" asinf asin; Acos "acos" acosf acos; Atan "atan" atanf atan;
            Sinh "sinh" sinhf sinh; Cosh "cosh" coshf cosh; Tanh "tanh" tanhf tanh;
            Asinh "asinh" asinhf asinh; Acosh "acosh" acoshf acosh; Atanh "atanh" atanhf atanh;
            Cbrt "cbrt" cbrtf cbrt; Erf "erf" erff erf; Erfc "erfc" erfcf erfc;
            Lgamma "lgamma" lgammaf lgamma; Tgamma "tgamma" tgammaf tgamma;
        }
    };
}

/// Calls `$then!` likewise for those of two arguments.
macro_rules! twos {
    ($then:ident) => {
        $then! { Pow "pow" powf pow; Atan2 "atan2" atan2f atan2; Hypot "hypot" hypotf hypot; }
    };
}
pub(super) use {ones, twos};

macro_rules! list {
    ($($name:ident $text:literal $f32:ident $f64:ident;)*) => { &[$(($text, libm::$f32, libm::$f64)),*] };
}

/// All functions of one argument.
pub(super) const ONES: &[One] = ones!(list);
/// All functions of two arguments.
pub(super) const TWOS: &[Two] = twos!(list);

/// The value of the function called `name` in float32 (`bits` 32) or float64 (64); `None` if there is none of that name
/// with so many arguments. The arguments are rounded to float32 first where that is asked for.
#[must_use]
pub fn math(name: &str, bits: u32, arguments: &[f64]) -> Option<f64> {
    let single = |x: f64| x as f32;
    match (bits, arguments) {
        (32, [x]) => ONES.iter().find(|row| row.0 == name).map(|row| row.1(single(*x)).into()),
        (64, [x]) => ONES.iter().find(|row| row.0 == name).map(|row| row.2(*x)),
        (32, [x, y]) => TWOS.iter().find(|row| row.0 == name).map(|row| row.1(single(*x), single(*y)).into()),
        (64, [x, y]) => TWOS.iter().find(|row| row.0 == name).map(|row| row.2(*x, *y)),
        (32, [x, y, z]) if name == "fma" => Some(libm::fmaf(single(*x), single(*y), single(*z)).into()),
        (64, [x, y, z]) if name == "fma" => Some(libm::fma(*x, *y, *z)),
        _ => None,
    }
}
