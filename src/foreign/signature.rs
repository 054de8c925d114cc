//! Signatures as text: `"int32(int64, float64)"`.

use crate::buffer::DType;
use crate::error::{Error, Result};
use crate::kernel::Signature;

/// The most arguments a foreign function may take.
pub(super) const MAX_ARGUMENTS: usize = 8;

/// The dtypes C functions are called with, and their short names.
const DTYPES: [(DType, &str); 6] = [
    (DType::Int32, "i32"),
    (DType::Int64, "i64"),
    (DType::UInt32, "u32"),
    (DType::UInt64, "u64"),
    (DType::Float32, "f32"),
    (DType::Float64, "f64"),
];

/// Evaluates `$body` with the type `$T` being the storage of `$dtype`; leaves the function with an error for a dtype
/// that C functions are not called with.
macro_rules! by_dtype {
    ($dtype:expr, $T:ident => $body:expr) => {
        match $dtype {
            $crate::buffer::DType::Int32 => {
                type $T = i32;
                $body
            }
            $crate::buffer::DType::Int64 => {
                type $T = i64;
                $body
            }
            $crate::buffer::DType::UInt32 => {
                type $T = u32;
                $body
            }
            $crate::buffer::DType::UInt64 => {
                type $T = u64;
                $body
            }
            $crate::buffer::DType::Float32 => {
                type $T = f32;
                $body
            }
            $crate::buffer::DType::Float64 => {
                type $T = f64;
                $body
            }
            other => return Err($crate::foreign::signature::unknown_dtype(other.name())),
        }
    };
}

/// Parses the signature of a C function: one result dtype, then one to eight argument dtypes in parentheses.
///
/// Dtypes are NumPy's names `int32 int64 uint32 uint64 float32 float64`, or `i32 i64 u32 u64 f32 f64`; spaces don't
/// matter.
///
/// # Errors
/// [`Error::InvalidArgument`] naming `signature`, with the text and what is accepted.
pub fn parse_signature(text: &str) -> Result<Signature> {
    let refuse = |why: &str| {
        let accepted = "write RESULT(ARGUMENT, ...), such as \"int32(int64, float64)\"";
        Error::invalid("signature", format!("{text:?} {why}; {accepted}"))
    };
    let (result, rest) = text.split_once('(').ok_or_else(|| refuse("has no parenthesis"))?;
    let arguments = rest.trim_end().strip_suffix(')').ok_or_else(|| refuse("does not end with a parenthesis"))?;
    if arguments.contains(['(', ')']) {
        return Err(refuse("has more than one pair of parentheses"));
    }
    if result.contains(',') {
        return Err(refuse("has more than one result"));
    }
    if arguments.trim().is_empty() {
        return Err(refuse("takes no argument, where one to eight are needed"));
    }
    let dtype = |name: &str| {
        let name = name.trim();
        let known = DTYPES.iter().find(|(dtype, short)| name == dtype.name() || name == *short);
        known.map(|(dtype, _)| *dtype).ok_or_else(|| match name {
            "" => refuse("leaves a dtype out"),
            _ => refuse(&format!("has the unknown dtype {name:?} ({})", accepted_dtypes())),
        })
    };
    let outputs = vec![dtype(result)?];
    let inputs = arguments.split(',').map(dtype).collect::<Result<Vec<_>>>()?;
    if inputs.len() > MAX_ARGUMENTS {
        return Err(refuse(&format!("takes {} arguments, where one to eight are accepted", inputs.len())));
    }
    Ok(Signature { inputs, outputs })
}

/// Checks a signature made by other means than [`parse_signature`] against the same rules.
pub(super) fn check(signature: &Signature) -> Result<()> {
    parse_signature(&signature.to_string()).map(drop)
}

/// The error for a dtype that C functions are not called with.
pub(super) fn unknown_dtype(name: &str) -> Error {
    Error::invalid("signature", format!("a foreign function can't be called with {name:?} ({})", accepted_dtypes()))
}

fn accepted_dtypes() -> String {
    let names =
        |name: fn(&(DType, &'static str)) -> &'static str| DTYPES.iter().map(name).collect::<Vec<_>>().join(" ");
    format!("accepted: {}, or {}", names(|(dtype, _)| dtype.name()), names(|(_, short)| short))
}

#[cfg(test)]
mod test {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_long_and_short_names() {
        let signature = parse_signature(" int32 ( i64,float64 , u32,uint64,f32 ) ").unwrap();
        assert_eq!(signature.outputs, [DType::Int32]);
        let inputs = [DType::Int64, DType::Float64, DType::UInt32, DType::UInt64, DType::Float32];
        assert_eq!(signature.inputs, inputs);
    }

    #[test]
    fn refuses_everything_else_and_says_why() {
        let nine = format!("f64({})", ["f64"; 9].join(","));
        for (text, why) in [
            ("", "no parenthesis"),
            ("int32", "no parenthesis"),
            ("int32(int32", "does not end"),
            ("int32(int32) x", "does not end"),
            ("int32(int32)(int32)", "more than one pair"),
            ("int32((int32))", "more than one pair"),
            ("int32()", "no argument"),
            ("int32( )", "no argument"),
            ("(int32)", "leaves a dtype out"),
            ("int32(int32,)", "leaves a dtype out"),
            ("int32(,int32)", "leaves a dtype out"),
            ("int32, int32(int32)", "more than one result"),
            ("void(int32)", "unknown dtype \"void\""),
            ("int32(object)", "unknown dtype \"object\""),
            ("int32(int 32)", "unknown dtype \"int 32\""),
            ("INT32(int32)", "unknown dtype \"INT32\""),
            (nine.as_str(), "takes 9 arguments"),
        ] {
            let error = parse_signature(text).unwrap_err();
            assert!(matches!(error, Error::InvalidArgument { name: "signature", .. }), "{error:?}");
            let message = error.to_string();
            assert!(message.contains(why) && message.contains(&format!("{text:?}")), "{text:?}: {message}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_parses_back(picks in proptest::collection::vec(0_usize..6, 2..10)) {
            let dtypes: Vec<DType> = picks.iter().map(|pick| DTYPES[*pick].0).collect();
            let signature = Signature { outputs: vec![dtypes[0]], inputs: dtypes[1..].to_vec() };
            match parse_signature(&signature.to_string()) {
                Ok(parsed) => prop_assert!(parsed == signature && picks.len() <= 9),
                Err(_) => prop_assert!(picks.len() > 9),
            }
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[if0-9(), a-z]{0,40}") {
            if let Ok(signature) = parse_signature(&text) {
                prop_assert_eq!(parse_signature(&signature.to_string()).unwrap(), signature);
            }
        }
    }
}
