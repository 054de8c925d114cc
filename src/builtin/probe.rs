//! Kernels for tests: one that panics on demand, for the gateway that turns panics into errors, and one that has
//! everything that a call can meet (a table, two results, faults, steps).

use crate::buffer::DType;
use crate::kernel::{Ctx, Kernel, Signature, Site, Status};

/// The identity on int64 that panics for negative values, naming the element.
#[doc(hidden)]
#[must_use]
pub fn panic_probe() -> Kernel {
    let signature = Signature { inputs: vec![DType::Int64], outputs: vec![DType::Int64] };
    Kernel::new("panic_probe", vec![signature], element)
}

extern "C-unwind" fn element(ctx: &Ctx<'_>, index: u64) -> Status {
    let x: i64 = ctx.inputs()[0].read(index);
    assert!(x >= 0, "panic probe at element {index}");
    ctx.outputs()[0].write(index, x);
    Status::DONE
}

/// The faults of [`call_probe`]: exceptions and messages by the number of their site.
#[doc(hidden)]
pub const CALL_PROBE_SITES: [(&str, &str); 3] = [
    ("ZeroDivisionError", "integer division or modulo by zero"),
    ("IndexError", "index is out of range for axis 0"),
    ("RuntimeError", "more steps than max_steps allows"),
];

/// `(a, b, table) -> (a / b, table[b])` over int64 and float64: truncates; faults where b is 0 or out of the table's
/// range; takes |a| steps.
#[doc(hidden)]
#[must_use]
pub fn call_probe() -> Kernel {
    let signature = Signature { inputs: vec![DType::Int64; 2], outputs: vec![DType::Int64, DType::Float64] };
    let mut kernel = Kernel::new("call_probe", vec![signature], call_element);
    kernel.masks_faults = true;
    kernel.counts_steps = true;
    kernel
}

extern "C-unwind" fn call_element(ctx: &Ctx<'_>, index: u64) -> Status {
    let [a, b]: [i64; 2] = [0, 1].map(|k| ctx.inputs()[k].read(index));
    let fault = |site| {
        if let Some(ok) = ctx.ok() {
            ok.write_bool(index, false);
            return Status::DONE;
        }
        ctx.control().fault(index, Some(Box::new(Site(site))));
        Status::FAULT
    };
    if a.unsigned_abs() > ctx.max_steps() {
        return fault(2);
    }
    if b == 0 {
        return fault(0);
    }
    let table = &ctx.tables()[0];
    if !(0..table.dims()[0].cast_signed()).contains(&b) {
        return fault(1);
    }
    ctx.outputs()[0].write(index, a.wrapping_div(b));
    ctx.outputs()[1].write::<f64>(index, table.view().read(b.cast_unsigned()));
    Status::DONE
}

#[cfg(test)]
mod test {
    use super::*;
    use crate::buffer::View;
    use crate::kernel::{Batch, Control};

    fn element_of(x: &[i64], out: &mut [i64], index: u64) -> Status {
        let kernel = panic_probe();
        let batch = Batch::new(vec![View::input(x)], vec![View::output(out)]).unwrap();
        kernel.accepts(&batch).unwrap();
        (kernel.element)(&Ctx::new(&kernel, &batch, &Control::default()), index)
    }

    #[test]
    fn is_the_identity_where_it_does_not_panic() {
        let (x, mut out) = ([7, i64::MAX, -1], [0; 3]);
        assert_eq!(element_of(&x, &mut out, 0), Status::DONE);
        assert_eq!(element_of(&x, &mut out, 1), Status::DONE);
        assert_eq!(out, [7, i64::MAX, 0]);
    }

    #[test]
    #[should_panic(expected = "panic probe at element 2")]
    fn names_the_element_it_panics_at() {
        element_of(&[7, 8, -1], &mut [0; 3], 2);
    }
}
