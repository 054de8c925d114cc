//! Views against plain slices.

use super::*;
use proptest::prelude::*;

#[test]
fn names_and_sizes_round_trip() {
    for dtype in DType::ALL {
        assert_eq!(DType::from_name(dtype.name()), Some(dtype));
        assert!(dtype.size() >= 1);
    }
    assert_eq!(DType::from_name("complex128"), None);
}

#[test]
fn safe_casts_keep_every_value() {
    // Whether there are negative values, bits of the magnitude, bits of precision.
    let range = |dtype: DType| match dtype {
        DType::Bool => (false, 1, 1),
        DType::Float32 => (true, 128, 24),
        DType::Float64 => (true, 1024, 53),
        integer => {
            let signed = integer.name().starts_with('i');
            let bits = 8 * integer.size() - usize::from(signed);
            (signed, bits, bits)
        }
    };
    for from in &DType::ALL[..11] {
        for to in &DType::ALL[..11] {
            let ((from_signed, from_bits, from_digits), (to_signed, to_bits, to_digits)) = (range(*from), range(*to));
            let holds = (to_signed || !from_signed) && from_bits <= to_bits && from_digits <= to_digits;
            let is_float = |dtype: &DType| dtype.name().starts_with('f');
            let kind = !is_float(from) || is_float(to);
            let rounds = from.size() == 8 && *to == DType::Float64;
            let expected = kind && (holds || rounds);
            assert_eq!(from.casts_safely(*to), expected, "{from} to {to}");
        }
    }
    assert!(!DType::Object.casts_safely(DType::Object) && !DType::Bool.casts_safely(DType::Object));
}

#[test]
#[should_panic(expected = "read of int32 at 3")]
fn read_past_the_end_panics() {
    let _ = View::input(&[1_i32, 2, 3]).read::<i32>(3);
}

#[test]
#[should_panic(expected = "write of int32")]
fn write_to_an_input_panics() {
    View::input(&[1_i32]).write(0, 2_i32);
}

#[test]
#[should_panic(expected = "tile of 2 int32 at 2")]
fn tile_past_the_end_panics() {
    View::input(&[1_i32, 2, 3]).load(2, &mut [0_i32; 2]);
}

proptest! {
    #[test]
    fn tiles_equal_elements(data in proptest::collection::vec(any::<i64>(), 1..200), step in 1_usize..4, at in 0_usize..50) {
        let len = data.len().div_ceil(step);
        // SAFETY: `len` elements `step` apart lie within `data`.
        let view = unsafe {
            View::from_raw(data.as_ptr().cast_mut().cast(), (step * 8).cast_signed(), len as u64, DType::Int64, false)
        };
        let begin = at.min(len - 1);
        let mut tile = vec![0_i64; len - begin];
        view.load(begin as u64, &mut tile);
        for (k, value) in tile.iter().enumerate() {
            prop_assert_eq!(*value, data[(begin + k) * step]);
            prop_assert_eq!(*value, view.read::<i64>((begin + k) as u64));
        }
    }

    #[test]
    fn reversed_and_scalar_views(data in proptest::collection::vec(any::<u32>(), 1..100)) {
        let n = data.len();
        // SAFETY: negative stride from the last element stays within `data`.
        let view = unsafe {
            View::from_raw(data.as_ptr().add(n - 1).cast_mut().cast(), -4, n as u64, DType::UInt32, false)
        };
        let mut tile = vec![0_u32; n];
        view.load(0, &mut tile);
        tile.reverse();
        prop_assert_eq!(&tile, &data);
        View::scalar(&data[0], n as u64).load(0, &mut tile);
        prop_assert!(tile.iter().all(|v| *v == data[0]));
    }

    #[test]
    fn store_then_load(values in proptest::collection::vec(any::<f64>(), 1..100)) {
        let mut out = vec![0.0_f64; values.len()];
        let view = View::output(&mut out);
        view.store(0, &values);
        let mut back = vec![0.0_f64; values.len()];
        view.load(0, &mut back);
        prop_assert!(back.iter().zip(&values).all(|(a, b)| a.to_bits() == b.to_bits()));
    }
}
