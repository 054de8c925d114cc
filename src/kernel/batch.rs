//! One batch of elements: its operands, tables and limits.

use crate::buffer::{DType, View};
use crate::error::{Error, Result};

/// Most axes of a table.
pub const MAX_AXES: usize = 8;

/// An array that every element may read as a whole: its elements in C order, and the length of each axis.
#[derive(Debug, Clone, Copy)]
pub struct Table<'a> {
    view: View<'a>,
    dims: [u64; MAX_AXES],
    ndim: usize,
}

impl<'a> Table<'a> {
    /// A table of shape `dims` over the elements of `view`.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if `dims` don't multiply to the view's length, or there are none or too many.
    pub fn new(view: View<'a>, dims: &[u64]) -> Result<Self> {
        let size = dims.iter().try_fold(1_u64, |size, dim| size.checked_mul(*dim));
        if dims.is_empty() || dims.len() > MAX_AXES || size != Some(view.len()) {
            return Err(Error::invalid("arrays", format!("a table of shape {dims:?} over {view:?}")));
        }
        let mut axes = [0; MAX_AXES];
        axes[..dims.len()].copy_from_slice(dims);
        Ok(Self { view, dims: axes, ndim: dims.len() })
    }

    /// All elements, in C order.
    #[must_use]
    #[inline]
    pub const fn view(&self) -> &View<'a> {
        &self.view
    }

    /// The length of each axis.
    #[must_use]
    #[inline]
    pub fn dims(&self) -> &[u64] {
        &self.dims[..self.ndim]
    }
}

/// One batch: N elements, the operands' views all of length N.
#[derive(Debug)]
pub struct Batch<'a> {
    n: u64,
    pub(super) inputs: Vec<View<'a>>,
    pub(super) outputs: Vec<View<'a>>,
    pub(super) tables: Vec<Table<'a>>,
    pub(super) ok: Option<View<'a>>,
    pub(super) max_steps: u64,
}

impl<'a> Batch<'a> {
    /// A batch over `inputs` and `outputs`.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if the lengths differ or there is no operand at all.
    pub fn new(inputs: Vec<View<'a>>, outputs: Vec<View<'a>>) -> Result<Self> {
        let Some(n) = outputs.first().or(inputs.first()).map(View::len) else {
            return Err(Error::invalid("arrays", "a batch needs at least one operand"));
        };
        match inputs.iter().chain(&outputs).find(|view| view.len() != n) {
            Some(other) => {
                Err(Error::invalid("arrays", format!("operands of {n} and {} elements in one batch", other.len())))
            }
            None => Ok(Self { n, inputs, outputs, tables: Vec::new(), ok: None, max_steps: u64::MAX }),
        }
    }

    /// Adds tables.
    #[must_use]
    pub fn with_tables(mut self, tables: Vec<Table<'a>>) -> Self {
        self.tables = tables;
        self
    }

    /// Masks faults: `ok`, all true, gets false at the elements that fault.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if it isn't a writable bool view of the batch's length.
    pub fn with_ok(mut self, ok: View<'a>) -> Result<Self> {
        if ok.dtype() != DType::Bool || !ok.is_writable() || ok.len() != self.n {
            return Err(Error::invalid("on_fault", format!("{ok:?} can't hold {} flags", self.n)));
        }
        self.ok = Some(ok);
        Ok(self)
    }

    /// Bounds the back edges that an element may take.
    #[must_use]
    pub const fn with_max_steps(mut self, max_steps: u64) -> Self {
        self.max_steps = max_steps;
        self
    }

    /// Whether faults are masked.
    #[must_use]
    pub const fn masks_faults(&self) -> bool {
        self.ok.is_some()
    }

    /// The tables.
    #[must_use]
    pub fn tables(&self) -> &[Table<'a>] {
        &self.tables
    }

    /// The number of elements.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.n
    }

    /// Whether there are no elements.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.n == 0
    }

    /// The inputs' views.
    #[must_use]
    pub fn inputs(&self) -> &[View<'a>] {
        &self.inputs
    }
}
