//! Layouts, tails and masks: whatever lies where, the results are those of plain Rust, and nothing else is written.

use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;

use super::*;
use crate::kernel::{Site, Table};

const SCALE: i32 = -3;
const TABLE: [f32; 7] = [0.5, -1.25, 3.0, 1e9, -0.0, 7.75, 2.5];

#[derive(Debug, Clone)]
struct Case {
    a: Vec<f64>,
    b: Vec<i16>,
    /// Step in elements and shift in bytes of a, b, both results and the flags.
    layout: [(isize, usize); 5],
    mask: bool,
    size: u64,
    forms: (bool, bool),
}

fn run(case: &Case) {
    let n = case.a.len();
    let place = |k: usize, size| Place::new(n, size, case.layout[k].0, case.layout[k].1);
    let (mut a, mut b, mut first, mut second, mut ok) =
        (place(0, 8), place(1, 2), place(2, 8), place(3, 1), place(4, 1));
    for i in 0..n {
        a.put(i, &case.a[i].to_ne_bytes());
        b.put(i, &case.b[i].to_ne_bytes());
        ok.put(i, &[1]);
    }
    let (refills, streams): (Option<Function>, Option<Function>) =
        (case.forms.0.then_some(refill as Function), case.forms.1.then_some(stream as Function));
    let kernel = kernel_of(block, refills, streams, made());
    let control = Control::default();
    let inputs = vec![a.view(DType::Float64, false), b.view(DType::Int16, false), View::scalar(&SCALE, n as u64)];
    let outputs = vec![first.view(DType::Float64, true), second.view(DType::UInt8, true)];
    let table = Table::new(View::input(&TABLE), &[7]).unwrap();
    let mut batch = Batch::new(inputs, outputs).unwrap().with_tables(vec![table]);
    if case.mask {
        batch = batch.with_ok(ok.view(DType::Bool, true)).unwrap();
    }
    let status = chunks(&kernel, &batch, &control, case.size);
    let lowest = case.a.iter().position(|a| a.is_sign_negative() && *a != 0.0);
    let mut untouched = Place::new(n, 8, case.layout[2].0, case.layout[2].1);
    match lowest.filter(|_| !case.mask) {
        None => assert_eq!(status, Status::DONE),
        Some(index) => {
            assert_eq!((status, control.lowest_fault()), (Status::FAULT, Some(index as u64)));
            let cause = control.take_cause().and_then(|cause| cause.downcast::<Site>().ok());
            assert_eq!(cause.as_deref(), Some(&Site(5)));
        }
    }
    for i in 0..n {
        let expected = sample(case.a[i], case.b[i], SCALE, &TABLE);
        assert_eq!(ok.get(i), [u8::from(!case.mask || expected.is_some())], "flag {i}");
        let (old, was) = (untouched.get(i).to_vec(), [0xA5]);
        let got = (first.get(i), second.get(i));
        match expected {
            Some((x, y)) if lowest.is_none_or(|lowest| i < lowest) || case.mask => {
                assert_eq!(got, (&x.to_ne_bytes()[..], &[y][..]), "element {i}");
            }
            Some((x, y)) => assert!(got == (&x.to_ne_bytes()[..], &[y][..]) || got == (&old[..], &was[..])),
            None => assert_eq!(got, (&old[..], &was[..]), "element {i} of a fault"),
        }
        untouched.put(i, got.0);
    }
    assert_eq!(first.bytes, untouched.bytes, "memory between the elements");
}

fn plain(n: usize, layout: [(isize, usize); 5]) -> Case {
    let a = (0..n).map(|i| i as f64 * 0.75).collect();
    let b = (0..n).map(|i| (i as i16).wrapping_mul(7919)).collect();
    Case { a, b, layout, mask: false, size: u64::MAX, forms: (false, false) }
}

#[test]
fn every_tail_in_every_layout() {
    let contiguous = [(1, 0); 5];
    let crooked = [[(1, 1), (1, 3), (1, 5), (1, 2), (1, 0)], [(2, 0), (1, 0), (3, 4), (1, 1), (2, 0)], [(-1, 0); 5]];
    for layout in [contiguous].into_iter().chain(crooked) {
        for n in 1..=2 * WIDTH as usize + 1 {
            for (mask, forms) in
                [(false, (false, false)), (true, (false, false)), (true, (true, false)), (false, (false, true))]
            {
                run(&Case { mask, forms, ..plain(n, layout) });
            }
        }
    }
}

#[test]
fn the_lowest_fault_wins_and_what_is_below_is_computed() {
    for n in [1, 7, 8, 9, 40, 2100] {
        for at in [0, n / 3, n - 1] {
            for forms in [(false, false), (true, false), (false, true)] {
                for layout in [[(1, 0); 5], [(2, 1); 5]] {
                    let mut case = Case { forms, ..plain(n, layout) };
                    case.a[n - 1] = -1.0;
                    case.a[at] = -2.0;
                    for mask in [false, true] {
                        run(&Case { mask, ..case.clone() });
                    }
                }
            }
        }
    }
}

#[test]
fn long_batches_in_pieces() {
    for layout in [[(1, 0); 5], [(1, 0), (-2, 0), (1, 0), (1, 0), (1, 0)]] {
        for forms in [(false, false), (true, false), (false, true), (true, true)] {
            for size in [5000, 100_000] {
                run(&Case { size, forms, ..plain(40_003, layout) });
            }
        }
    }
}

#[test]
fn one_element_at_a_time() {
    let kernel = kernel_of(block, None, None, made());
    let (a, b) = ([1.5, 2.5, 3.5], [3_i16, 4, 5]);
    let (mut first, mut second) = ([0.0; 3], [0_u8; 3]);
    let table = Table::new(View::input(&TABLE), &[7]).unwrap();
    let inputs = vec![View::input(&a), View::input(&b), View::scalar(&SCALE, 3)];
    let batch = Batch::new(inputs, vec![View::output(&mut first), View::output(&mut second)]).unwrap();
    let batch = batch.with_tables(vec![table]);
    let control = Control::default();
    assert_eq!((kernel.element)(&Ctx::new(&kernel, &batch, &control), 1), Status::DONE);
    let (x, y) = sample(2.5, 4, SCALE, &TABLE).unwrap();
    assert_eq!((first, second), ([0.0, x, 0.0], [0, y, 0]));
}

/// Runs one call on `[begin, begin + size)` that may take the ranges behind it; its answer, and the ranges it took.
fn with_more(a: &[f64], first: &mut [f64], size: u64, control: &Control<'_>) -> (Status, u64) {
    let n = a.len() as u64;
    let (b, mut second) = (vec![1_i16; a.len()], vec![0_u8; a.len()]);
    let kernel = kernel_of(block, Some(refill), None, made());
    assert!(kernel.refills);
    let table = Table::new(View::input(&TABLE), &[7]).unwrap();
    let inputs = vec![View::input(a), View::input(&b), View::scalar(&SCALE, n)];
    let batch = Batch::new(inputs, vec![View::output(first), View::output(&mut second)]).unwrap();
    let batch = batch.with_tables(vec![table]);
    let (ctx, taken) = (Ctx::new(&kernel, &batch, control), AtomicU64::new(0));
    let next = |unfinished| {
        assert_eq!(unfinished, 0, "what was taken isn't known to be finished");
        let begin = size * (1 + taken.fetch_add(1, Ordering::Relaxed));
        (begin < n).then_some((begin, (begin + size).min(n)))
    };
    let status = (kernel.chunk.unwrap())(&ctx.with_next(&next), 0, size);
    (status, taken.into_inner())
}

#[test]
fn a_call_takes_further_ranges() {
    let a: Vec<f64> = (0..1000).map(f64::from).collect();
    for size in [1, 7, 64, 300, 999] {
        let mut first = vec![-1.0; a.len()];
        let (status, taken) = with_more(&a, &mut first, size, &Control::default());
        // As many as there are, unless the moment for it has passed.
        let computed = (size * taken.min(1000_u64.div_ceil(size))).min(1000) as usize;
        assert!(status == Status::DONE && taken > 0);
        for (i, got) in first.iter().enumerate() {
            let expected = sample(a[i], 1, SCALE, &TABLE).map_or(-1.0, |(x, _)| x);
            assert_eq!(*got, if i < computed { expected } else { -1.0 }, "element {i}, ranges of {size}");
        }
    }
}

#[test]
fn a_fault_in_a_further_range_is_the_batchs() {
    let mut a: Vec<f64> = (0..1000).map(f64::from).collect();
    a[120] = -1.0;
    let (control, mut first) = (Control::default(), vec![0.0; 1000]);
    let (status, taken) = with_more(&a, &mut first, 50, &control);
    assert_eq!((status, control.lowest_fault(), taken), (Status::FAULT, Some(120), 2));
    assert!(first[..120].iter().zip(&a).all(|(got, a)| Some(*got) == sample(*a, 1, SCALE, &TABLE).map(|(x, _)| x)));
}

#[test]
#[should_panic(expected = "operands of other types")]
fn other_types_are_refused() {
    let kernel = kernel_of(block, None, None, made());
    let mut out = [0.0_f64];
    let batch = Batch::new(vec![View::input(&[1.0_f64])], vec![View::output(&mut out)]).unwrap();
    chunks(&kernel, &batch, &Control::default(), 1);
}

#[test]
#[should_panic(expected = "elements up to 4 of a batch of 3")]
fn ranges_beyond_the_batch_are_refused() {
    let kernel = kernel_of(block, None, None, made());
    let (mut first, mut second) = ([0.0; 3], [0_u8; 3]);
    let table = Table::new(View::input(&TABLE), &[7]).unwrap();
    let inputs = vec![View::input(&[1.5; 3]), View::input(&[3_i16; 3]), View::scalar(&SCALE, 3)];
    let batch = Batch::new(inputs, vec![View::output(&mut first), View::output(&mut second)]).unwrap();
    let batch = batch.with_tables(vec![table]);
    let control = Control::default();
    (kernel.chunk.unwrap())(&Ctx::new(&kernel, &batch, &control), 2, 4);
}

fn layout() -> impl Strategy<Value = (isize, usize)> {
    (prop_oneof![Just(1_isize), Just(2), Just(-1), Just(-3)], 0_usize..8)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn any_layout(
        rows in prop::collection::vec((prop_oneof![9 => 0.0..1e6_f64, 1 => -9.0..-1.0_f64], any::<i16>()), 1..300),
        layout in [layout(), layout(), layout(), layout(), layout()],
        mask in any::<bool>(),
        size in 1_u64..400,
        forms in (any::<bool>(), any::<bool>()),
    ) {
        let (a, b) = rows.into_iter().unzip();
        run(&Case { a, b, layout, mask, size, forms });
    }
}
