//! The block VM through its public face: whole programs against plain Rust.

use hybrid_rs::buffer::{DType, View};
use hybrid_rs::builtin::busy_one;
use hybrid_rs::kernel::{Batch, Control, Ctx, Status};
use hybrid_rs::vm::op::ops;
use hybrid_rs::vm::{Draft, Input, Program, TableInput, kernel};

mod assembler;
use assembler::{Assembler, busy_uniform, busy_varying, mandelbrot};

/// Runs a program over all elements, in chunks of `size`.
fn compute(a: &Assembler, batch: &Batch<'_>, size: u64) {
    let kernel = kernel("test", Program::new(&a.draft).expect("a program"));
    let chunk = kernel.chunk.expect("a chunk form");
    let control = Control::default();
    let ctx = Ctx::new(&kernel, batch, &control);
    let mut at = 0;
    while at < batch.len() {
        let end = (at + size).min(batch.len());
        assert_eq!(chunk(&ctx, at, end), Status::DONE);
        at = end;
    }
}

#[test]
fn busy_work_with_one_count() {
    let x: Vec<i32> = (0..1000_i32).map(|i| i.wrapping_mul(7_919_333)).collect();
    let count = 37_i64;
    let expected: Vec<i32> = x.iter().map(|x| busy_one(*x, 37)).collect();
    for size in [1, 7, 256, 333, 1000] {
        let mut out = vec![0; 1000];
        let inputs = vec![View::input(&x), View::scalar(&count, 1000)];
        compute(&busy_uniform(), &Batch::new(inputs, vec![View::output(&mut out)]).unwrap(), size);
        assert_eq!(out, expected);
    }
}

#[test]
fn busy_work_with_a_count_each() {
    let x: Vec<i32> = (0..1000_i32).map(|i| i.wrapping_mul(7_919_333)).collect();
    let counts: Vec<u32> = (0..1000).map(|i| i * 7919 % 101).collect();
    let expected: Vec<i32> = x.iter().zip(&counts).map(|(x, k)| busy_one(*x, (*k).into())).collect();
    for size in [1, 7, 256, 333, 1000] {
        let mut out = vec![0; 1000];
        let inputs = vec![View::input(&x), View::input(&counts)];
        compute(&busy_varying(), &Batch::new(inputs, vec![View::output(&mut out)]).unwrap(), size);
        assert_eq!(out, expected);
    }
}

fn escape(cx: f64, cy: f64, limit: i32) -> i32 {
    let (mut zx, mut zy) = (0.0, 0.0);
    for i in 0..limit {
        let (x2, y2) = (zx * zx, zy * zy);
        if x2 + y2 > 4.0 {
            return i;
        }
        zy = 2.0 * zx * zy + cy;
        zx = x2 - y2 + cx;
    }
    limit
}

#[test]
fn mandelbrot_counts() {
    let side = 40;
    let at = |i: usize| -2.0 + 3.0 * i as f64 / side as f64;
    let cx: Vec<f64> = (0..side * side).map(|i| at(i % side)).collect();
    let cy: Vec<f64> = (0..side * side).map(|i| at(i / side) + 0.5).collect();
    let expected: Vec<i32> = cx.iter().zip(&cy).map(|(x, y)| escape(*x, *y, 200)).collect();
    for size in [1, 100, 1600] {
        let mut out = vec![0; side * side];
        let inputs = vec![View::input(&cx), View::input(&cy), View::scalar(&200_i32, (side * side) as u64)];
        compute(&mandelbrot(), &Batch::new(inputs, vec![View::output(&mut out)]).unwrap(), size);
        assert_eq!(out, expected);
    }
}
