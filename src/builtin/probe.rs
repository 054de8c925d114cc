//! A kernel that panics on demand, for tests of the gateway that turns panics into errors.

use crate::buffer::DType;
use crate::kernel::{Ctx, Kernel, Signature, Status};

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
