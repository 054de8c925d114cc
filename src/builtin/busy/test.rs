//! Every level of the machine against a definition written a second time, in integers that can't overflow.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::kernel::Batch;

/// The definition in i128: wrap to 32 bits by hand, take the remainder of the absolute value, put the sign back.
fn oracle(x: i128, iters: u64) -> i32 {
    let wrap = |value: i128| (value + (1 << 31)).rem_euclid(1 << 32) - (1 << 31);
    let mut acc = wrap(x);
    for _ in 0..iters {
        let dividend = wrap(acc * 7 + 13);
        acc = dividend.signum() * (dividend.abs() % 997);
    }
    i32::try_from(acc).unwrap()
}

/// Runs `[begin, end)` of a batch at `level`, in two chunks split at `split`, over an output filled with `i32::MIN`.
fn run_split(x: View<'_>, iters: View<'_>, range: Range<u64>, split: u64, level: Level) -> Vec<i32> {
    let mut out = vec![i32::MIN; x.len() as usize];
    let kernel = busy_work();
    let batch = Batch::new(vec![x, iters], vec![View::output(&mut out)]).unwrap();
    kernel.accepts(&batch).unwrap();
    let control = Control::default();
    let ctx = Ctx::new(&kernel, &batch, &control);
    assert_eq!(compute(&ctx, range.start, split, level), Status::DONE);
    assert_eq!(compute(&ctx, split, range.end, level), Status::DONE);
    drop(batch);
    out
}

fn run_level(x: View<'_>, iters: View<'_>, level: Level) -> Vec<i32> {
    let n = x.len();
    run_split(x, iters, 0..n, n, level)
}

#[test]
fn the_definition_agrees_with_wide_arithmetic() {
    for x in [0, 1, -1, -2, i32::MAX, i32::MIN, i32::MIN + 1, 306_783_377, 613_566_755, -306_783_380] {
        for iters in [0, 1, 2, 3, 50] {
            assert_eq!(busy_one(x, iters), oracle(x.into(), iters), "x {x}, iters {iters}");
        }
    }
}

#[test]
fn one_lane_iteration_is_exact_for_every_accumulator() {
    let every: Vec<i16> = (-996..=996).collect();
    for level in Level::all() {
        // Mixed signs in a tile, then each sign by itself.
        for (skip, take) in [(0, 1993), (0, 996), (996, 997)] {
            for part in every[skip..skip + take].chunks(TILE) {
                let mut groups = [[0; GROUP]; SLOTS];
                let groups = &mut groups[..part.len().div_ceil(GROUP)];
                groups.as_flattened_mut()[..part.len()].copy_from_slice(part);
                let mut masked = groups.to_vec();
                level.run(groups, 1);
                level.run_masked(&mut masked, &vec![[8; GROUP]; groups.len()], 7, 8);
                for (i, acc) in part.iter().enumerate() {
                    let expected = oracle((*acc).into(), 1);
                    assert_eq!(i32::from(groups.as_flattened()[i]), expected, "{} {acc}", level.name());
                    assert_eq!(i32::from(masked.as_flattened()[i]), expected, "{} masked {acc}", level.name());
                }
            }
        }
    }
}

#[test]
fn masked_lanes_stop_at_their_ends() {
    for level in Level::all() {
        for count in 1..=SLOTS {
            let mut groups = vec![[0; GROUP]; count];
            let mut ends = groups.clone();
            for (i, (lane, end)) in groups.as_flattened_mut().iter_mut().zip(ends.as_flattened_mut()).enumerate() {
                (*lane, *end) = (i as i16 - 100, 95 + i as i16 % 20);
            }
            level.run_masked(&mut groups, &ends, 100, 110);
            for (i, lane) in groups.as_flattened().iter().enumerate() {
                let rounds = (95 + i as u64 % 20).clamp(100, 110) - 100;
                assert_eq!(i32::from(*lane), oracle(i as i128 - 100, rounds), "{} lane {i}", level.name());
            }
        }
    }
}

#[test]
fn edge_values_of_every_dtype() {
    let wide = [0, 1, 2, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 1 << 32, i64::MAX as u64, 1 << 63, u64::MAX];
    let signed: Vec<i64> = wide.iter().map(|x| x.cast_signed()).collect();
    let narrow: Vec<u32> = wide.iter().map(|x| *x as u32).collect();
    let narrow_signed: Vec<i32> = narrow.iter().map(|x| x.cast_signed()).collect();
    for level in Level::all() {
        for iters in [0_u64, 1, 2, 7, 512] {
            let expected: Vec<i32> = wide.iter().map(|x| oracle((*x).into(), iters)).collect();
            let (a, b, c) = (iters as i64, iters as i32, iters as u32);
            let n = wide.len() as u64;
            for iters in [View::scalar(&iters, n), View::scalar(&a, n), View::scalar(&b, n), View::scalar(&c, n)] {
                for x in [View::input(&wide), View::input(&signed), View::input(&narrow), View::input(&narrow_signed)] {
                    assert_eq!(run_level(x, iters, level), expected, "{} {x:?} {iters:?}", level.name());
                }
            }
        }
    }
}

#[test]
fn negative_iterations_are_none() {
    let x = [5_i32, -5, i32::MIN];
    for level in Level::all() {
        assert_eq!(run_level(View::input(&x), View::scalar(&i64::MIN, 3), level), x);
        assert_eq!(run_level(View::input(&x), View::input(&[-1_i32, i32::MIN, 0]), level), x);
        assert_eq!(run_level(View::input(&x), View::input(&[-1_i64, 1, i64::MIN]), level), [5, -22, i32::MIN]);
    }
}

#[test]
fn an_empty_range_writes_nothing() {
    let x = [5_i32; 4];
    for level in Level::all() {
        assert_eq!(run_split(View::input(&x), View::scalar(&3_i64, 4), 2..2, 2, level), [i32::MIN; 4]);
        assert_eq!(run_split(View::input(&x), View::input(&[1_i64, 2, 3, 4]), 2..2, 2, level), [i32::MIN; 4]);
    }
}

#[test]
fn long_counts_cross_windows_and_polls() {
    let poll = POLL as i64;
    let iters: Vec<i64> = [1, 2, poll - 1, poll, poll + 1, poll + 2, 2 * poll + 1, 5 * poll + 17, 32768, 32769]
        .into_iter()
        .cycle()
        .take(390)
        .collect();
    let x: Vec<i32> = (0..390).map(|i| i * 1_000_003 - 200_000_000).collect();
    let expected: Vec<i32> = x.iter().zip(&iters).map(|(x, k)| busy_one(*x, k.unsigned_abs())).collect();
    for level in Level::all() {
        assert_eq!(run_level(View::input(&x), View::input(&iters), level), expected, "{}", level.name());
        let uniform = 3 * poll + 5;
        let same: Vec<i32> = x[..40].iter().map(|x| busy_one(*x, uniform.unsigned_abs())).collect();
        assert_eq!(run_level(View::input(&x[..40]), View::scalar(&uniform, 40), level), same, "{}", level.name());
    }
}

#[test]
fn blocks_of_every_kind() {
    // A heavy tail over more elements than a block holds: gathered, in several blocks, the last lanes of each partial.
    let n = 20_011;
    let x: Vec<i64> = (0..n).map(|i| i * i - 77_777).collect();
    let iters: Vec<u32> = (0..n as u32).map(|i| if i % 500 == 3 { 4000 + i % 71 } else { i * 7 % 31 }).collect();
    let expected: Vec<i32> = x.iter().zip(&iters).map(|(x, k)| busy_one(*x as i32, (*k).into())).collect();
    for level in Level::all() {
        assert!(run_level(View::input(&x), View::input(&iters), level) == expected, "{}", level.name());
        let split = run_split(View::input(&x), View::input(&iters), 0..n as u64, 1_333, level);
        assert!(split == expected, "{} split", level.name());
    }
}

#[test]
fn endless_work_can_be_stopped() {
    let (x, mut out) = ([1_i32; 100], [0_i32; 100]);
    let counts: Vec<u64> = (0..100).map(|i| (1 << 60) + i).collect();
    for iters in [View::scalar(&counts[0], 100), View::input(&counts)] {
        let kernel = busy_work();
        let batch = Batch::new(vec![View::input(&x), iters], vec![View::output(&mut out)]).unwrap();
        // None: the element form.
        for level in Level::all().into_iter().map(Some).chain([None]) {
            let control = Control::default();
            let ctx = Ctx::new(&kernel, &batch, &control);
            let status = std::thread::scope(|scope| {
                let worker =
                    scope.spawn(|| level.map_or_else(|| element(&ctx, 0), |level| compute(&ctx, 0, 100, level)));
                // Not at once, so that the worker is inside its loops as a rule.
                std::thread::sleep(Duration::from_millis(5));
                control.stop();
                worker.join().unwrap()
            });
            assert_eq!(status, Status::STOPPED);
        }
    }
}

#[test]
fn the_level_is_the_best_there_is() {
    let names: Vec<_> = Level::all().into_iter().map(Level::name).collect();
    assert_eq!(cpu_level(), names[0]);
    assert!(names.iter().all(|name| ["avx512", "avx2", "neon", "baseline"].contains(name)));
}

fn counts() -> impl Strategy<Value = Vec<i64>> {
    let count = prop_oneof![4 => 0_i64..3, 4 => -2_i64..70, 1 => 0_i64..3000];
    let size = prop_oneof![0_usize..4, 62_usize..67, 0_usize..600];
    size.prop_flat_map(move |n| proptest::collection::vec(count.clone(), n))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_split_of_any_batch(counts in counts(), seed: u64, cut in (0.0..1.0, 0.0..1.0, 0.0..1.0)) {
        let n = counts.len() as u64;
        let x: Vec<u64> = (0..n).map(|i| (seed ^ i).wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
        let at = |fraction: f64| (fraction * (n + 1) as f64) as u64;
        let mut cuts = [at(cut.0), at(cut.1), at(cut.2)];
        cuts.sort_unstable();
        let [begin, split, end] = cuts;
        let expected: Vec<i32> = (0..n).map(|i| {
            let iters = counts[i as usize].max(0).unsigned_abs();
            if (begin..end).contains(&i) { oracle(x[i as usize].into(), iters) } else { i32::MIN }
        }).collect();
        for level in Level::all() {
            prop_assert_eq!(&run_split(View::input(&x), View::input(&counts), begin..end, split, level), &expected);
        }
    }

    #[test]
    fn strided_operands_and_the_element_form(
        data in proptest::collection::vec((any::<i32>(), -1_i32..40), 1..200),
        step in 1_usize..4,
        uniform in 0_u32..40,
    ) {
        // The operands interleave in one array of pairs: 8 bytes times `step` apart, the counts walked backwards.
        let flat: Vec<i32> = data.iter().flat_map(|(x, k)| [*x, *k]).collect();
        let n = data.len().div_ceil(step);
        let stride = (8 * step).cast_signed();
        let ptr: *mut u8 = flat.as_ptr().cast_mut().cast();
        // SAFETY: `n` pairs `step` apart lie within `flat`, the second of a pair 4 bytes behind the first.
        let (x, k) = unsafe {
            let last = ptr.offset(4 + stride * (n - 1).cast_signed());
            (View::from_raw(ptr, stride, n as u64, DType::Int32, false),
             View::from_raw(last, -stride, n as u64, DType::Int32, false))
        };
        let pairs = (0..n).map(|i| (data[i * step].0, data[(n - 1 - i) * step].1));
        let varying: Vec<i32> = pairs.clone().map(|(x, k)| oracle(x.into(), k.max(0).unsigned_abs().into())).collect();
        let same: Vec<i32> = pairs.map(|(x, _)| oracle(x.into(), uniform.into())).collect();
        for level in Level::all() {
            prop_assert_eq!(&run_level(x, k, level), &varying);
            prop_assert_eq!(&run_level(x, View::scalar(&uniform, n as u64), level), &same);
        }
        let mut out = vec![0; n];
        let kernel = busy_work();
        let batch = Batch::new(vec![x, k], vec![View::output(&mut out)]).unwrap();
        let control = Control::default();
        for i in 0..n as u64 {
            prop_assert_eq!((kernel.element)(&Ctx::new(&kernel, &batch, &control), i), Status::DONE);
        }
        drop(batch);
        prop_assert_eq!(&out, &varying);
    }
}
