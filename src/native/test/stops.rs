//! Stops: machine code that polls, and what happens to it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;

/// Never ends unless it is told to.
unsafe extern "C" fn endless(frame: *mut Frame<'_>, _begin: u64, _end: u64) -> u32 {
    let raw = raw(frame);
    while (raw.poll)(raw) == 0 {
        std::hint::spin_loop();
    }
    2
}

/// Writes `max_steps`, and asks for another range.
unsafe extern "C" fn steps(frame: *mut Frame<'_>, begin: u64, end: u64) -> u32 {
    let raw = raw(frame);
    for i in begin..end {
        raw.write(1, i, raw.max_steps);
    }
    (raw.next)(raw, &mut [0; 2])
}

fn simple(function: Function) -> Kernel {
    let inputs = vec![Operand { dtype: DType::Int64, uniform: false }];
    let made = Made { inputs, tables: vec![], outputs: vec![DType::UInt64], width: WIDTH, stream_from: u64::MAX };
    kernel_of(function, None, None, made)
}

fn with_batch<T>(n: usize, job: impl FnOnce(&Batch<'_>) -> T) -> (Vec<u64>, T) {
    let input = vec![0_i64; n];
    let mut out = vec![0; n];
    let batch = Batch::new(vec![View::input(&input)], vec![View::output(&mut out)]).unwrap().with_max_steps(77);
    let answer = job(&batch);
    (out, answer)
}

#[test]
fn a_loop_without_end_is_stopped() {
    let polls = AtomicU32::new(0);
    let hook = || polls.fetch_add(1, Ordering::Relaxed) == 10;
    let (_, status) = with_batch(16, |batch| chunks(&simple(endless), batch, &Control::with_hook(&hook), 16));
    assert_eq!((status, polls.into_inner()), (Status::STOPPED, 11));
}

#[test]
fn a_fault_below_makes_the_rest_pointless() {
    let control = Control::default();
    control.fault(3, None);
    let kernel = simple(endless);
    let (_, status) = with_batch(16, |batch| (kernel.chunk.unwrap())(&Ctx::new(&kernel, batch, &control), 8, 16));
    assert_eq!((status, control.lowest_fault()), (Status::FAULT, Some(3)));
}

#[test]
fn a_panic_of_a_poll_goes_around_machine_code() {
    let hook = || panic!("the hook's own");
    let caught = with_batch(16, |batch| {
        catch_unwind(AssertUnwindSafe(|| chunks(&simple(endless), batch, &Control::with_hook(&hook), 16)))
    });
    let text = caught.1.unwrap_err().downcast_ref::<&str>().copied().map(str::to_owned);
    assert_eq!(text.as_deref(), Some("the hook's own"));
}

#[test]
fn another_kernel_may_run_inside_of_a_poll() {
    let inner = simple(steps);
    let ran = AtomicU32::new(0);
    let hook = || {
        let (out, status) = with_batch(13, |batch| chunks(&inner, batch, &Control::default(), 13));
        ran.fetch_add(u32::from(status == Status::DONE && out == [77; 13]), Ordering::Relaxed) == 2
    };
    let (_, status) = with_batch(13, |batch| chunks(&simple(endless), batch, &Control::with_hook(&hook), 13));
    assert_eq!((status, ran.into_inner()), (Status::STOPPED, 3));
}

#[test]
fn long_ranges_are_polled_between_pieces() {
    let polls = AtomicU32::new(0);
    let hook = || polls.fetch_add(1, Ordering::Relaxed) == 1;
    let (out, status) = with_batch(100_000, |batch| chunks(&simple(steps), batch, &Control::with_hook(&hook), 100_000));
    assert_eq!(status, Status::STOPPED);
    let done = out.iter().position(|steps| *steps == 0).unwrap();
    assert!(done > 0 && out[..done].iter().all(|steps| *steps == 77) && out[done..].iter().all(|steps| *steps == 0));
}
