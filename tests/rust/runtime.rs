//! The Runtime from outside: every path against a sequential oracle, faults, panics, stopping, nesting, threads.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use hybrid_rs::buffer::{DType, View};
use hybrid_rs::builtin;
use hybrid_rs::call::{Call, Failure, NoWatch, Options, Watch};
use hybrid_rs::dispatch::Runtime;
use hybrid_rs::error::{Error, StopReason};
use hybrid_rs::kernel::{Batch, Ctx, Kernel, Signature, Status};
use hybrid_rs::paths::Path;
use hybrid_rs::sched::plan::{Policy, Why};
use proptest::prelude::*;

fn runtime(threads: usize) -> Runtime {
    Runtime::new(Options { threads, metrics: true, policy: Policy::Adaptive, chunk_size: None }).unwrap()
}

/// The paths that this build has.
fn paths() -> Vec<Path> {
    let all = Path::ALL.into_iter();
    all.filter(|p| cfg!(feature = "hybrid-exec") || !p.is_parallel() || *p == Path::HybridAutoChunked).collect()
}

fn oracle(x: i64, iters: i64) -> i32 {
    let mut acc = i128::from(x as i32);
    for _ in 0..iters {
        // Exact, then wrapped to 32 bits, then the remainder with the dividend's sign.
        acc = i128::from((acc * 7 + 13) as i32) % 997;
    }
    acc as i32
}

fn int_kernel(element: hybrid_rs::kernel::ElementFn) -> Kernel {
    let signature = Signature { inputs: vec![DType::Int64], outputs: vec![DType::Int64] };
    Kernel::new("test", vec![signature], element)
}

fn run(runtime: &Runtime, kernel: &Kernel, x: &[i64], call: &Call, watch: &mut dyn Watch) -> Result<Vec<i64>, Failure> {
    let mut out = vec![-1_i64; x.len()];
    let batch = Batch::new(vec![View::input(x)], vec![View::output(&mut out)]).unwrap();
    runtime.map(kernel, &batch, call, watch)?;
    drop(batch);
    Ok(out)
}

extern "C-unwind" fn triple(ctx: &Ctx<'_>, i: u64) -> Status {
    ctx.outputs()[0].write(i, ctx.inputs()[0].read::<i64>(i).wrapping_mul(3));
    Status::DONE
}

extern "C-unwind" fn fault_on_negative(ctx: &Ctx<'_>, i: u64) -> Status {
    let x = ctx.inputs()[0].read::<i64>(i);
    if x < 0 {
        ctx.control().fault(i, Some(Box::new(x)));
        return Status::FAULT;
    }
    triple(ctx, i)
}

extern "C-unwind" fn sleep_a_little(ctx: &Ctx<'_>, i: u64) -> Status {
    std::thread::sleep(Duration::from_micros(200));
    triple(ctx, i)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_path_equals_the_oracle(
        n in prop_oneof![Just(0_usize), Just(1), Just(63), Just(64), Just(65), Just(499), Just(500), Just(999), Just(1000), 0_usize..5000],
        chunk in prop_oneof![Just(None), (1_u64..6000).prop_map(Some), Just(Some(u64::MAX))],
        threads in 1_usize..4,
        seed in any::<i64>(),
        iters in 0_i64..40,
    ) {
        let x: Vec<i64> = (0..n as i64).map(|i| seed.wrapping_add(i.wrapping_mul(0x9E37_79B9))).collect();
        let expected: Vec<i32> = x.iter().map(|x| oracle(*x, iters)).collect();
        let (runtime, kernel) = (runtime(threads), builtin::busy_work());
        for path in paths() {
            let mut out = vec![-1_i32; n];
            let batch = Batch::new(
                vec![View::input(&x), View::scalar(&iters, n as u64)],
                vec![View::output(&mut out)],
            ).unwrap();
            runtime.map(&kernel, &batch, &Call { chunk_size: chunk, ..Call::new(path) }, &mut NoWatch).unwrap();
            prop_assert_eq!(&out, &expected, "{}", path.name());
        }
    }

    #[test]
    fn the_lowest_fault_wins_and_all_below_is_done(
        n in 1_usize..4000, faults in proptest::collection::vec(0_usize..4000, 1..5), chunk in 1_u64..900,
    ) {
        let mut x: Vec<i64> = (0..n as i64).collect();
        let hit: Vec<usize> = faults.iter().map(|f| f % n).collect();
        hit.iter().for_each(|f| x[*f] = -7);
        let lowest = *hit.iter().min().unwrap();
        let (runtime, kernel) = (runtime(2), int_kernel(fault_on_negative));
        for path in paths() {
            let mut out = vec![-1_i64; n];
            let batch = Batch::new(vec![View::input(&x)], vec![View::output(&mut out)]).unwrap();
            let failure = runtime
                .map(&kernel, &batch, &Call { chunk_size: Some(chunk), ..Call::new(path) }, &mut NoWatch)
                .unwrap_err();
            prop_assert!(matches!(failure.error, Error::Fault { index } if index == lowest as u64), "{:?}", failure.error);
            prop_assert_eq!(failure.cause.unwrap().downcast::<i64>().unwrap(), Box::new(-7));
            for (i, value) in out.iter().enumerate().take(lowest) {
                prop_assert_eq!(*value, 3 * i as i64, "{} at {}", path.name(), i);
            }
        }
    }
}

extern "C-unwind" fn fault_in_a_chunk(ctx: &Ctx<'_>, begin: u64, end: u64) -> Status {
    (begin..end).map(|i| fault_on_negative(ctx, i)).find(|status| *status != Status::DONE).unwrap_or(Status::DONE)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// Of kernels that can't mask faults themselves, too.
    #[test]
    fn masked_faults_are_marked_and_all_else_is_done(
        n in 1_usize..3000, hits in proptest::collection::vec(any::<u32>(), 0..20), chunk in 1_u64..700, chunked in any::<bool>()
    ) {
        let mut x: Vec<i64> = (0..n as i64).collect();
        hits.iter().for_each(|hit| x[*hit as usize % n] = -7);
        let mut kernel = int_kernel(fault_on_negative);
        if chunked {
            kernel = kernel.with_chunk(fault_in_a_chunk, 16);
        }
        let runtime = runtime(2);
        for path in paths() {
            let (mut out, mut ok) = (vec![-1_i64; n], vec![1_u8; n]);
            let flags = ok.as_mut_ptr();
            // SAFETY: `n` bytes of a vector that nobody else uses while the batch lives.
            let flags = unsafe { View::from_raw(flags, 1, n as u64, DType::Bool, true) };
            let batch = Batch::new(vec![View::input(&x)], vec![View::output(&mut out)]).unwrap().with_ok(flags).unwrap();
            let call = Call { chunk_size: Some(chunk), ..Call::new(path) };
            prop_assert!(runtime.map(&kernel, &batch, &call, &mut NoWatch).is_ok());
            drop(batch);
            for i in 0..n {
                prop_assert_eq!(ok[i] == 1, x[i] >= 0, "{} at {}", path.name(), i);
                prop_assert_eq!(out[i], if x[i] >= 0 { 3 * x[i] } else { -1 }, "{} at {}", path.name(), i);
            }
        }
    }
}

#[test]
fn masked_batches_stop_as_others_do() {
    let x: Vec<i64> = (0..20_000).map(|i| i % 50 - 1).collect();
    for path in paths() {
        let (mut out, mut ok) = (vec![-1_i64; x.len()], vec![1_u8; x.len()]);
        // SAFETY: as above.
        let flags = unsafe { View::from_raw(ok.as_mut_ptr(), 1, x.len() as u64, DType::Bool, true) };
        let batch = Batch::new(vec![View::input(&x)], vec![View::output(&mut out)]).unwrap().with_ok(flags).unwrap();
        let call = Call { chunk_size: Some(500), timeout: Some(Duration::from_millis(50)), ..Call::new(path) };
        let failure = runtime(2).map(&int_kernel(sleep_or_fault), &batch, &call, &mut NoWatch).unwrap_err();
        assert!(matches!(failure.error, Error::Cancelled { reason: StopReason::TimedOut, .. }), "{:?}", failure.error);
    }
}

/// Works on a few elements at a time, of which any may be finished next, and takes new ones as long as there are any, in
/// this range or in others.
extern "C-unwind" fn refilling(ctx: &Ctx<'_>, begin: u64, end: u64) -> Status {
    refill(ctx, begin, end, fault_on_negative)
}

extern "C-unwind" fn refilling_slowly(ctx: &Ctx<'_>, begin: u64, end: u64) -> Status {
    refill(ctx, begin, end, sleep_or_fault)
}

fn refill(ctx: &Ctx<'_>, begin: u64, end: u64, element: hybrid_rs::kernel::ElementFn) -> Status {
    let (mut next, mut end, mut under_way, mut fault, mut seed) = (begin, end, Vec::new(), None, begin);
    loop {
        while under_way.len() < 7 && fault.is_none() {
            if next == end {
                let lowest = under_way.iter().min().copied().unwrap_or(end);
                let Some(range) = ctx.next_range(lowest) else { break };
                assert!(range.0 >= end && range.0 < range.1, "ranges ascend and have elements");
                (next, end) = range;
            }
            under_way.push(next);
            next += 1;
        }
        if under_way.is_empty() {
            return if fault.is_some() { Status::FAULT } else { Status::DONE };
        }
        if ctx.control().poll() {
            return Status::STOPPED;
        }
        seed = seed.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
        let index = under_way.swap_remove((seed >> 33) as usize % under_way.len());
        if element(ctx, index) == Status::FAULT {
            fault = Some(fault.map_or(index, |lowest: u64| lowest.min(index)));
            under_way.retain(|other| Some(*other) < fault);
        }
    }
}

fn refilling_kernel(chunk: hybrid_rs::kernel::ChunkFn, element: hybrid_rs::kernel::ElementFn) -> Kernel {
    let mut kernel = int_kernel(element).with_chunk(chunk, 4);
    kernel.refills = true;
    kernel
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn calls_that_take_further_ranges_compute_each_element(
        n in 0_usize..4000, faults in proptest::collection::vec(any::<u32>(), 0..4), chunk in 1_u64..700, threads in 1_usize..4,
    ) {
        let mut x: Vec<i64> = (0..n as i64).collect();
        faults.iter().filter(|_| n > 0).for_each(|fault| x[*fault as usize % n] = -7);
        let lowest = x.iter().position(|x| *x < 0);
        let (runtime, kernel) = (runtime(threads), refilling_kernel(refilling, fault_on_negative));
        for path in paths() {
            let mut out = vec![-1_i64; n];
            let batch = Batch::new(vec![View::input(&x)], vec![View::output(&mut out)]).unwrap();
            let call = Call { chunk_size: Some(chunk), ..Call::new(path) };
            let result = runtime.map(&kernel, &batch, &call, &mut NoWatch);
            drop(batch);
            match lowest {
                None => prop_assert!(result.is_ok()),
                Some(lowest) => {
                    let failure = result.unwrap_err();
                    let faulted = matches!(failure.error, Error::Fault { index } if index == lowest as u64);
                    prop_assert!(faulted);
                    for (begin, end) in failure.finished {
                        prop_assert!((begin..end).all(|i| out[i as usize] == 3 * x[i as usize]));
                    }
                }
            }
            prop_assert!((0..lowest.unwrap_or(n)).all(|i| out[i] == 3 * i as i64), "{}", path.name());
        }
    }
}

#[test]
fn what_a_call_has_finished_is_known_while_it_takes_further_ranges() {
    let kernel = refilling_kernel(refilling_slowly, sleep_or_fault);
    let x: Vec<i64> = (0..20_000).collect();
    for path in [Path::HybridFnptrChunked, Path::HybridAutoChunked] {
        let mut out = vec![-1_i64; x.len()];
        let batch = Batch::new(vec![View::input(&x)], vec![View::output(&mut out)]).unwrap();
        let call = Call { chunk_size: Some(10), ..Call::new(path) };
        if !paths().contains(&path) {
            continue;
        }
        let failure = runtime(2).map(&kernel, &batch, &call, &mut StopAfter(40)).unwrap_err();
        drop(batch);
        check_finished(&failure.error, StopReason::Interrupted, &out);
    }
}

extern "C-unwind" fn sleep_or_fault(ctx: &Ctx<'_>, i: u64) -> Status {
    if fault_on_negative(ctx, i) == Status::FAULT { Status::FAULT } else { sleep_a_little(ctx, i) }
}

#[test]
fn a_panic_is_an_error_and_the_runtime_lives_on() {
    let runtime = runtime(2);
    let x: Vec<i64> = (0..3000).map(|i| if i == 1500 { -1 } else { i }).collect();
    for path in paths() {
        let failure = run(&runtime, &builtin::panic_probe(), &x, &Call::new(path), &mut NoWatch).unwrap_err();
        assert!(matches!(&failure.error, Error::Panic(text) if text.contains("element 1500")), "{:?}", failure.error);
        let good = run(&runtime, &int_kernel(triple), &x, &Call::new(path), &mut NoWatch).unwrap();
        assert!(good.iter().zip(&x).all(|(y, x)| *y == 3 * x));
    }
}

struct StopAfter(u64);

impl Watch for StopAfter {
    fn tick(&mut self, done: u64, _total: u64) -> Result<(), StopReason> {
        if done >= self.0 { Err(StopReason::Interrupted) } else { Ok(()) }
    }
}

/// Whatever stopped it: the ranges told are exactly the elements written.
fn check_finished(error: &Error, reason: StopReason, out: &[i64]) {
    let Error::Cancelled { reason: got, finished } = error else { panic!("{error:?}") };
    assert_eq!(*got, reason);
    let mut told = vec![false; out.len()];
    finished.iter().for_each(|(begin, end)| told[*begin as usize..*end as usize].fill(true));
    assert!(told.iter().any(|t| !t), "it was stopped before its end");
    for (i, told) in told.iter().enumerate() {
        // A task under way when the stop came may have written more than is told, never less.
        assert!(!told || out[i] == 3 * i as i64, "element {i}");
    }
}

#[test]
fn watchers_and_deadlines_stop_every_path() {
    let (runtime, kernel) = (runtime(2), int_kernel(sleep_a_little));
    let x: Vec<i64> = (0..20_000).collect();
    for path in paths() {
        for timed in [false, true] {
            let mut out = vec![-1_i64; x.len()];
            let batch = Batch::new(vec![View::input(&x)], vec![View::output(&mut out)]).unwrap();
            let timeout = timed.then_some(Duration::from_millis(60));
            let call = Call { chunk_size: Some(50), timeout, ..Call::new(path) };
            let mut watch = StopAfter(if timed { u64::MAX } else { 1 });
            let failure = runtime.map(&kernel, &batch, &call, &mut watch).unwrap_err();
            drop(batch);
            let reason = if timed { StopReason::TimedOut } else { StopReason::Interrupted };
            check_finished(&failure.error, reason, &out);
        }
    }
}

#[test]
fn many_threads_share_one_runtime() {
    let runtime = Arc::new(runtime(2));
    let barrier = Barrier::new(6);
    std::thread::scope(|scope| {
        for k in 0..6_usize {
            let (runtime, barrier) = (&runtime, &barrier);
            scope.spawn(move || {
                barrier.wait();
                let x: Vec<i64> = (0..5000).map(|i| i * k as i64).collect();
                for path in paths() {
                    let out = run(runtime, &int_kernel(triple), &x, &Call::new(path), &mut NoWatch).unwrap();
                    assert!(out.iter().zip(&x).all(|(y, x)| *y == 3 * x));
                }
            });
        }
    });
}

static NESTED: std::sync::OnceLock<Runtime> = std::sync::OnceLock::new();
static MOST_THREADS: AtomicU64 = AtomicU64::new(0);

extern "C-unwind" fn nested(ctx: &Ctx<'_>, i: u64) -> Status {
    let x: Vec<i64> = (0..20).map(|k| k + ctx.inputs()[0].read::<i64>(i)).collect();
    let threads = std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count) as u64;
    MOST_THREADS.fetch_max(threads, Ordering::Relaxed);
    let inner = run(
        NESTED.get().unwrap(),
        &int_kernel(triple),
        &x,
        &Call::new(paths()[i as usize % paths().len()]),
        &mut NoWatch,
    );
    ctx.outputs()[0].write(i, inner.map_or(-1, |out| out.iter().sum()));
    Status::DONE
}

#[test]
fn a_map_inside_a_map_neither_locks_up_nor_starts_threads() {
    let runtime = NESTED.get_or_init(|| runtime(2));
    let x: Vec<i64> = (0..300).collect();
    // Other tests run threads of their own beside this one: only growth with the nesting would be wrong.
    for path in paths() {
        let out = run(runtime, &int_kernel(nested), &x, &Call { chunk_size: Some(7), ..Call::new(path) }, &mut NoWatch);
        let expected: Vec<i64> = x.iter().map(|x| (0..20).map(|k| 3 * (k + x)).sum()).collect();
        assert_eq!(out.unwrap(), expected, "{}", path.name());
    }
    assert!(MOST_THREADS.load(Ordering::Relaxed) < 200);
}

#[test]
fn a_chunk_of_the_whole_batch_falls_back_to_elements() {
    if !cfg!(feature = "hybrid-exec") {
        return; // Without threads there is nothing to fall back from.
    }
    let runtime = runtime(2);
    let x: Vec<i64> = (0..1000).collect();
    for (chunk, why) in [(1000, Why::WholeBatch), (u64::MAX, Why::WholeBatch), (999, Why::Argument)] {
        let call = Call { chunk_size: Some(chunk), ..Call::new(Path::HybridFnptrChunked) };
        run(&runtime, &int_kernel(triple), &x, &call, &mut NoWatch).unwrap();
        let last = runtime.metrics().totals.last;
        assert_eq!(last.map(|last| last.choice.why), (!cfg!(feature = "hybrid-lite")).then_some(why));
    }
}

#[test]
fn metrics_count_what_ran() {
    let runtime = runtime(2);
    let x: Vec<i64> = (0..10_000).collect();
    for path in paths() {
        run(&runtime, &int_kernel(triple), &x, &Call { chunk_size: Some(100), ..Call::new(path) }, &mut NoWatch)
            .unwrap();
    }
    let snapshot = runtime.metrics();
    let on = u64::from(!cfg!(feature = "hybrid-lite"));
    for path in paths() {
        assert_eq!(snapshot.totals.paths[path as usize].batches, on);
        assert_eq!(snapshot.totals.paths[path as usize].elements, on * 10_000);
    }
    let tasks: u64 = snapshot.workers.iter().map(|w| w.chunks).sum::<u64>() + snapshot.others.chunks;
    assert_eq!(tasks, snapshot.histogram.iter().sum::<u64>());
    let kernel = refilling_kernel(refilling, fault_on_negative);
    let call = Call { chunk_size: Some(100), ..Call::new(Path::HybridFnptrChunked) };
    if paths().contains(&call.path) {
        run(&runtime, &kernel, &x, &call, &mut NoWatch).unwrap();
        let workers: u64 = runtime.metrics().workers.iter().map(|w| w.chunks).sum();
        let before: u64 = snapshot.workers.iter().map(|w| w.chunks).sum();
        assert_eq!(workers - before, 100 * on);
    }
    if cfg!(feature = "hybrid-exec") && on == 1 {
        // Three element paths of one task an element, three chunked ones of 100 tasks, and seq_direct's strips.
        assert!((30_300..30_400).contains(&tasks), "{tasks}");
    }
}

#[test]
fn bad_calls_are_told_apart() {
    let good = runtime(1);
    let x = [1_i64];
    let call = Call::new(Path::HybridFnptrChunked);
    let kernel = int_kernel(triple);
    let text = |result: Result<Vec<i64>, Failure>| result.unwrap_err().error.to_string();
    let zero = Call { chunk_size: Some(0), ..Call::new(Path::SeqDirect) };
    assert_eq!(text(run(&good, &kernel, &x, &zero, &mut NoWatch)), "chunk_size: must be at least 1");
    let many = Call { threads: Some(5000), ..Call::new(Path::SeqDirect) };
    assert_eq!(text(run(&good, &kernel, &x, &many, &mut NoWatch)), "threads: 5000 is not between 1 and 1024");
    let busy = text(run(&good, &builtin::busy_work(), &x, &Call::new(Path::SeqDirect), &mut NoWatch));
    assert_eq!(busy, "arrays: busy_work has no signature int64(int64)");
    good.close();
    assert_eq!(text(run(&good, &kernel, &x, &call, &mut NoWatch)).contains("closed"), cfg!(feature = "hybrid-exec"));
    for threads in [0, 1025] {
        let options = Options { threads, metrics: true, policy: Policy::V1, chunk_size: None };
        assert!(Runtime::new(options).is_err());
    }
}
