//! Whole programs by hand: loops, divergence, refilling, compacting, faults, step limits, stops.

use super::assembler::{Assembler, EVERY, busy_uniform, busy_varying, mandelbrot};
use super::rows::Numbers;
use super::*;
use crate::builtin::busy_one;
use DType::{Bool, Float64, Int32, Int64, UInt32, UInt64};

fn ints(dtype: DType, values: impl IntoIterator<Item = i64>) -> Column {
    Column::new(dtype, &values.into_iter().map(i64::cast_unsigned).collect::<Vec<_>>())
}

fn ways() -> impl Iterator<Item = Way> {
    let chunks = [u64::MAX, 1, 3, 64, 100];
    Level::all().into_iter().flat_map(move |level| {
        let lanes = [(64, u64::MAX), (256, 100), (128, 1), (256, 7), (64, 500)];
        lanes.into_iter().zip(chunks).map(move |((lanes, chunk), _)| Way { level, lanes, chunk, ..Way::default() })
    })
}

#[test]
fn a_uniform_loop() {
    let x: Vec<i64> = (0..700).map(|i| i * 104_729 - 9_000_000).collect();
    let columns = [ints(Int32, x.clone()), ints(Int64, vec![23; 700])];
    let expected: Vec<u64> = x.iter().map(|x| u64::from(busy_one(*x as i32, 23).cast_unsigned())).collect();
    for way in ways() {
        assert_eq!(run(&busy_uniform().draft, &columns, 700, way).outputs[0], expected, "{way:?}");
    }
}

#[test]
fn a_refill_loop() {
    let mut numbers = Numbers(3);
    for most in [1, 2, 40, 700] {
        let x: Vec<i64> = (0..900).map(|_| (numbers.next() as i32).into()).collect();
        let counts: Vec<u64> = (0..900).map(|_| numbers.next() % most).collect();
        let columns = [ints(Int32, x.clone()), Column::new(UInt32, &counts)];
        let one = |(x, count): (&i64, &u64)| u64::from(busy_one(*x as i32, *count).cast_unsigned());
        let expected: Vec<u64> = x.iter().zip(&counts).map(one).collect();
        for way in ways() {
            assert_eq!(run(&busy_varying().draft, &columns, 900, way).outputs[0], expected, "{way:?}");
        }
    }
}

#[test]
fn a_refill_loop_with_a_limit() {
    let mut numbers = Numbers(4);
    let mut float = || (numbers.next() % 1000) as f64 / 250.0 - 2.5;
    let (cx, cy): (Vec<f64>, Vec<f64>) = (0..500).map(|_| (float(), float())).unzip();
    let bits = |values: &[f64]| values.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    let columns = [Column::new(Float64, &bits(&cx)), Column::new(Float64, &bits(&cy)), ints(Int32, vec![60; 500])];
    let one = |(cx, cy): (&f64, &f64)| {
        let (mut zx, mut zy) = (0.0, 0.0);
        (0..60_u64).find(|_| {
            let (x2, y2) = (zx * zx, zy * zy);
            let out = x2 + y2 > 4.0;
            (zx, zy) = (x2 - y2 + cx, zx * 2.0 * zy + cy);
            out
        })
    };
    let expected: Vec<u64> = cx.iter().zip(&cy).map(|point| one(point).unwrap_or(60)).collect();
    for way in ways() {
        assert_eq!(run(&mandelbrot().draft, &columns, 500, way).outputs[0], expected, "{way:?}");
    }
}

/// `y = x; repeat k times: y = 100 // (x - y % 7 + 3)` with a count for each element, which faults now and then: in a loop
/// that refills, or in one that compacts.
fn faulting(refill: bool) -> Assembler {
    let mut a = Assembler::new(&[(Int32, false), (UInt32, false)], &[Int32]);
    let (x, y, left, live) = (a.state(Int32), a.state(Int32), a.state(UInt32), a.state(Bool));
    let (shadow, t, more, leaving) = (a.state(Int32), a.v(Int32), a.v(Bool), a.v(Bool));
    let [seven, three, hundred] = [7, 3, 100].map(|value| a.constant(Int32, value));
    let (zero, one) = (a.constant(UInt32, 0), a.constant(UInt32, 1));
    a.op("input.i32.v", &[x, 0]);
    a.op("input.u32.v", &[left, 1]);
    a.op("mov.i32.v", &[y, x]);
    a.op("mov.i32.v", &[shadow, y]);
    a.op("ne.u32.vs", &[live, left, zero]);
    let (head, tell) = if refill {
        let (head, tell) = a.start_loop(live);
        (head, Some(tell))
    } else {
        a.op("enter", &[]);
        (a.op("compact", &[live]), None)
    };
    tell.map(|tell| a.op("mov.bool.ss", &tell));
    a.op("and.bool.vv", &[live, live, 0]);
    let out = (!refill).then(|| a.op("jump_if_none", &[live, 0]));
    a.op("mod.i32.vs", &[t, y, seven, live, 1]);
    a.op("sub.i32.vv", &[t, x, t]);
    a.op("add.i32.vs", &[t, t, three]);
    a.op("floordiv.i32.sv", &[y, hundred, t, live, 2]);
    a.op("sub.u32.vs", &[left, left, one]);
    a.op("ne.u32.vs", &[more, left, zero]);
    a.op("andn.bool.vv", &[leaving, live, more]);
    a.op("movm.i32.v", &[shadow, y, leaving]);
    a.op("and.bool.vv", &[live, live, more]);
    a.op("back", &[head]);
    if refill {
        a.start_epilogue();
    } else {
        a.land(out.unwrap());
        a.op("leave", &[]);
    }
    a.op("store.i32.v", &[shadow, 0, EVERY]);
    a.op("end", &[]);
    a
}

fn faulting_one(x: i64, count: u64) -> Option<i64> {
    let mut y = x;
    for _ in 0..count {
        let divisor = x - y.rem_euclid(7) + 3;
        y = if divisor == 0 {
            return None;
        } else {
            100_i64.div_euclid(divisor) - i64::from(divisor < 0 && 100 % divisor != 0)
        };
    }
    Some(y)
}

/// Floor of the quotient, for the check of the oracle above.
#[test]
fn the_oracle_floors() {
    assert_eq!((100_i64.div_euclid(-7) - 1, 100_i64.div_euclid(-10), 100_i64.div_euclid(7)), (-15, -10, 14));
}

#[test]
fn the_lowest_fault_wins_however_it_is_cut() {
    let mut numbers = Numbers(5);
    for round in 0..30 {
        let n = 1 + numbers.below(400);
        let far = if round % 3 == 0 { 1_000 } else { 40 };
        let x: Vec<i64> = (0..n).map(|_| numbers.below(far) as i64 + if far == 40 { -10 } else { 20 }).collect();
        let counts: Vec<u64> = (0..n).map(|_| numbers.next() % 30).collect();
        let columns = [ints(Int32, x.clone()), Column::new(UInt32, &counts)];
        let expected: Vec<Option<i64>> = x.iter().zip(&counts).map(|(x, k)| faulting_one(*x, *k)).collect();
        let lowest = expected.iter().position(Option::is_none);
        for (way, refill) in ways().flat_map(|way| [(way, false), (way, true)]) {
            let draft = faulting(refill).draft;
            let outcome = run(&draft, &columns, n, way);
            assert_eq!(outcome.fault, lowest.map(|index| (index as u64, 2)), "{way:?} {refill}");
            assert_eq!(outcome.finished, lowest.is_none());
            let bits = |value: &Option<i64>| u64::from(value.map_or(0, |value| value as u32));
            let below = lowest.unwrap_or(n);
            let wanted: Vec<u64> = expected.iter().map(bits).collect();
            assert_eq!(outcome.outputs[0][..below], wanted[..below], "{way:?} {refill}");
            let outcome = run(&draft, &columns, n, Way { masked: true, ..way });
            let flags: Vec<u64> = expected.iter().map(|value| u64::from(value.is_some())).collect();
            assert_eq!((outcome.outputs[0].clone(), outcome.ok, outcome.fault), (wanted, Some(flags), None));
            assert!(outcome.finished);
        }
    }
}

/// Counts to the element's number in a divergent loop that counts its steps.
fn stepping(refill: bool) -> Assembler {
    let mut a = Assembler::new(&[(UInt32, false)], &[UInt32]);
    let (goal, at, live, steps) = (a.state(UInt32), a.state(UInt32), a.state(Bool), a.state(UInt64));
    let shadow = a.state(UInt32);
    let (go, leaving) = (a.v(Bool), a.v(Bool));
    let (zero, one, none) = (a.constant(UInt32, 0), a.constant(UInt32, 1), a.constant(UInt64, 0));
    a.op("input.u32.v", &[goal, 0]);
    a.op("mov.u32.s", &[at, zero]);
    a.op("mov.u32.s", &[shadow, zero]);
    a.op("mov.u64.s", &[steps, none]);
    a.op("eq.bool.vv", &[live, 0, 0]);
    let (head, tell) = if refill {
        let (head, tell) = a.start_loop(live);
        (head, Some(tell))
    } else {
        a.op("enter", &[]);
        (a.op("compact", &[live]), None)
    };
    tell.map(|tell| a.op("mov.bool.ss", &tell));
    a.op("and.bool.vv", &[live, live, 0]);
    a.op("lt.u32.vv", &[go, at, goal]);
    a.op("andn.bool.vv", &[leaving, live, go]);
    a.op("movm.u32.v", &[shadow, at, leaving]);
    a.op("and.bool.vv", &[live, live, go]);
    let out = (!refill).then(|| a.op("jump_if_none", &[live, 0]));
    a.op("add.u32.vs", &[at, at, one]);
    a.op("step", &[steps, live, 5]);
    a.op("back", &[head]);
    if refill {
        a.start_epilogue();
    } else {
        a.land(out.unwrap());
        a.op("leave", &[]);
    }
    a.op("store.u32.v", &[shadow, 0, EVERY]);
    a.op("end", &[]);
    a
}

#[test]
fn steps_are_counted_for_each_element() {
    let mut numbers = Numbers(6);
    let goals: Vec<u64> = (0..300).map(|_| numbers.next() % 90).collect();
    let columns = [Column::new(UInt32, &goals)];
    for max_steps in [0, 1, 50, 88, 89, u64::MAX - 1, u64::MAX] {
        let over = goals.iter().position(|goal| *goal > max_steps);
        for (way, refill) in ways().flat_map(|way| [(way, false), (way, true)]) {
            let way = Way { max_steps, ..way };
            let outcome = run(&stepping(refill).draft, &columns, 300, way);
            assert_eq!(outcome.fault, over.map(|index| (index as u64, 5)), "{way:?} {refill}");
            let below = over.unwrap_or(300);
            assert_eq!(outcome.outputs[0][..below], goals[..below]);
            let outcome = run(&stepping(refill).draft, &columns, 300, Way { masked: true, ..way });
            let flags: Vec<u64> = goals.iter().map(|goal| u64::from(*goal <= max_steps)).collect();
            assert_eq!(outcome.ok, Some(flags));
        }
    }
}

/// A loop without end, in which every step counts.
fn endless() -> Assembler {
    let mut a = Assembler::new(&[(UInt32, false)], &[UInt32]);
    let (x, steps) = (a.v(UInt32), a.v(UInt64));
    let none = a.constant(UInt64, 0);
    a.op("input.u32.v", &[x, 0]);
    a.op("mov.u64.s", &[steps, none]);
    let head = a.op("step", &[steps, EVERY, 4]);
    a.op("back", &[head]);
    a.op("end", &[]);
    a
}

#[test]
fn an_endless_loop_ends_at_its_limit() {
    let columns = [Column::new(UInt32, &[7; 200])];
    for way in ways() {
        let outcome = run(&endless().draft, &columns, 200, Way { max_steps: 1000, ..way });
        assert_eq!(outcome.fault, Some((0, 4)));
        let outcome = run(&endless().draft, &columns, 200, Way { max_steps: 1000, masked: true, ..way });
        assert_eq!(outcome.ok, Some(vec![0; 200]));
    }
}

#[test]
fn a_loop_that_counts_no_steps_ends_at_the_limit_all_the_same() {
    let mut a = Assembler::new(&[(UInt32, false)], &[]);
    a.op("back", &[0]);
    a.op("end", &[]);
    let outcome = run(&a.draft, &[Column::new(UInt32, &[7; 200])], 200, Way { max_steps: 1000, ..Way::default() });
    assert!(!outcome.finished);
}

#[test]
fn a_stop_is_seen_in_a_loop() {
    let program = Program::new(&endless().draft).unwrap();
    let shell = kernel("test", program);
    let column = Column::new(UInt32, &[7; 200]);
    let mut out = Column::new(UInt32, &[0; 200]);
    let batch = Batch::new(vec![column.input()], vec![out.output()]).unwrap();
    let polls = std::sync::atomic::AtomicU32::new(0);
    let hook = || polls.fetch_add(1, std::sync::atomic::Ordering::Relaxed) > 3;
    let control = Control::with_hook(&hook);
    let ctx = Ctx::new(&shell, &batch, &control);
    assert_eq!(shell.chunk.unwrap()(&ctx, 0, 200), Status::STOPPED);
    let elsewhere = Control::default();
    elsewhere.fault(0, None);
    let ctx = Ctx::new(&shell, &batch, &elsewhere);
    assert_eq!(shell.chunk.unwrap()(&ctx, 64, 200), Status::FAULT);
}

/// Sums a row of a table; the row's number is the element's value, and may be none.
fn row_sums() -> Assembler {
    let mut a = Assembler::new(&[(Int64, false)], &[Float64]);
    let table = a.table(Float64, 2);
    let (row, flat, element, sum) = (a.v(Int64), a.v(Int64), a.v(Float64), a.v(Float64));
    let (rows, columns, at, more) = (a.s(Int64), a.s(Int64), a.s(Int64), a.s(Bool));
    let (zero, one, nothing) = (a.constant(Int64, 0), a.constant(Int64, 1), a.constant(Float64, 0));
    a.op("input.i64.v", &[row, 0]);
    a.op("dim", &[rows, table, 0]);
    a.op("dim", &[columns, table, 1]);
    a.op("bound.v", &[row, row, rows, EVERY, 6]);
    a.op("mul.i64.vs", &[flat, row, columns]);
    a.op("mov.f64.s", &[sum, nothing]);
    a.op("mov.i64.ss", &[at, zero]);
    let head = a.op("lt.i64.ss", &[more, at, columns]);
    let out = a.op("jump_unless", &[more, 0]);
    a.op("gather.f64.v", &[element, flat, table]);
    a.op("add.f64.vv", &[sum, sum, element]);
    a.op("add.i64.vs", &[flat, flat, one]);
    a.op("add.i64.ss", &[at, at, one]);
    a.op("back", &[head]);
    a.land(out);
    a.op("store.f64.v", &[sum, 0, EVERY]);
    a.op("end", &[]);
    a
}

#[test]
fn tables_are_read_within_their_bounds() {
    let data: Vec<f64> = (0..15).map(f64::from).collect();
    let table = Table::new(View::input(&data), &[5, 3]).unwrap();
    let rows: Vec<i64> = vec![0, 4, -1, -5, 2, 5, -6, i64::MIN, i64::MAX, 1];
    let column = ints(Int64, rows.clone());
    let mut out = Column::new(Float64, &[0; 10]);
    let mut ok = Column::new(Bool, &[1; 10]);
    let shell = kernel("test", Program::new(&row_sums().draft).unwrap());
    let batch = Batch::new(vec![column.input()], vec![out.output()]).unwrap();
    let batch = batch.with_tables(vec![table]).with_ok(ok.output()).unwrap();
    let control = Control::default();
    assert_eq!(shell.chunk.unwrap()(&Ctx::new(&shell, &batch, &control), 0, 10), Status::DONE);
    drop(batch);
    for (i, row) in rows.iter().enumerate() {
        let found = usize::try_from(if *row < 0 { row.saturating_add(5) } else { *row }).ok().filter(|row| *row < 5);
        let sum = found.map(|row| data[3 * row..3 * row + 3].iter().sum::<f64>());
        assert_eq!(ok.bits()[i] != 0, sum.is_some(), "row {row}");
        assert_eq!(f64::from_bits(out.bits()[i]), sum.unwrap_or(0.0));
    }
}

/// What a program reads before it writes is 0, whatever ran before on the thread.
#[test]
fn unwritten_registers_are_zero() {
    let mut dirty = Assembler::new(&[(UInt64, false)], &[UInt64]);
    let registers: Vec<u32> = (0..6).map(|_| dirty.v(UInt64)).collect();
    for register in &registers {
        dirty.op("input.u64.v", &[*register, 0]);
    }
    dirty.op("store.u64.v", &[registers[0], 0, EVERY]);
    dirty.op("end", &[]);
    let mut reader = Assembler::new(&[(UInt64, false)], &[UInt64]);
    let (x, y) = (reader.v(UInt64), reader.v(UInt64));
    reader.op("input.u64.v", &[x, 0]);
    let skip = reader.op("jump", &[0]);
    reader.op("input.u64.v", &[y, 0]);
    reader.land(skip);
    reader.op("store.u64.v", &[y, 0, EVERY]);
    reader.op("end", &[]);
    let column = [Column::new(UInt64, &[u64::MAX; 100])];
    run(&dirty.draft, &column, 100, Way::default());
    assert_eq!(run(&reader.draft, &column, 100, Way::default()).outputs[0], vec![0; 100]);
}
