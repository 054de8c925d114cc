//! Views of the caller's arrays: a base pointer, a byte stride and a length, read and written by element or by tile.
//!
//! This is the one file that touches array memory. A [`View`] is made once for each operand of a batch, under the
//! guarantees of [`View::from_raw`]; all else (paths, kernels, engines) reads and writes through checked methods.

use std::fmt;
use std::marker::PhantomData;
use std::mem::size_of;

/// Element types of operands. The discriminants are part of the chunk interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
#[allow(missing_docs, reason = "the names say it")]
pub enum DType {
    Bool = 0,
    Int8 = 1,
    Int16 = 2,
    Int32 = 3,
    Int64 = 4,
    UInt8 = 5,
    UInt16 = 6,
    UInt32 = 7,
    UInt64 = 8,
    Float32 = 9,
    Float64 = 10,
    /// A pointer-sized object handle that only `py/` looks into.
    Object = 11,
}

impl DType {
    /// Every dtype, in the order of the discriminants.
    pub const ALL: [Self; 12] = [
        Self::Bool,
        Self::Int8,
        Self::Int16,
        Self::Int32,
        Self::Int64,
        Self::UInt8,
        Self::UInt16,
        Self::UInt32,
        Self::UInt64,
        Self::Float32,
        Self::Float64,
        Self::Object,
    ];

    /// Bytes an element takes.
    #[must_use]
    pub const fn size(self) -> usize {
        match self {
            Self::Bool | Self::Int8 | Self::UInt8 => 1,
            Self::Int16 | Self::UInt16 => 2,
            Self::Int32 | Self::UInt32 | Self::Float32 => 4,
            Self::Int64 | Self::UInt64 | Self::Float64 => 8,
            Self::Object => size_of::<usize>(),
        }
    }

    /// NumPy's name of the dtype.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Int8 => "int8",
            Self::Int16 => "int16",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
            Self::UInt8 => "uint8",
            Self::UInt16 => "uint16",
            Self::UInt32 => "uint32",
            Self::UInt64 => "uint64",
            Self::Float32 => "float32",
            Self::Float64 => "float64",
            Self::Object => "object",
        }
    }

    /// Whether NumPy casts values to `other` by its "safe" rule: none is changed, but for int64 and uint64 to float64.
    #[must_use]
    pub const fn casts_safely(self, other: Self) -> bool {
        let (from, to) = (self.size(), other.size());
        match (self, other) {
            (Self::Object, _) | (_, Self::Object) => false,
            (Self::Bool, _) => true,
            (_, Self::Bool) => false,
            (_, Self::Float32 | Self::Float64) => from < to || from == 8 && to == 8 || self.is_float() && from == to,
            (Self::Float32 | Self::Float64, _) => false,
            _ => match (self.is_signed(), other.is_signed()) {
                (true, false) => false,
                (false, true) => from < to,
                _ => from <= to,
            },
        }
    }

    const fn is_float(self) -> bool {
        matches!(self, Self::Float32 | Self::Float64)
    }

    const fn is_signed(self) -> bool {
        matches!(self, Self::Int8 | Self::Int16 | Self::Int32 | Self::Int64)
    }

    /// The dtype with NumPy's name `name`; `None` if there is none.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dtype| dtype.name() == name)
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

mod sealed {
    pub trait Sealed {}
}

/// A Rust type that is the storage of a [`DType`]. Any bit pattern is a valid value of it.
pub trait Element: sealed::Sealed + Copy + Default + Send + Sync + 'static {
    /// The dtype whose storage this is.
    const DTYPE: DType;
}

macro_rules! elements {
    ($($ty:ty => $dtype:ident),* $(,)?) => {$(
        impl sealed::Sealed for $ty {}
        impl Element for $ty { const DTYPE: DType = DType::$dtype; }
    )*};
}
elements! {
    i8 => Int8, i16 => Int16, i32 => Int32, i64 => Int64,
    u8 => UInt8, u16 => UInt16, u32 => UInt32, u64 => UInt64,
    f32 => Float32, f64 => Float64, usize => Object,
}

/// One operand of a batch: element `i` lies at `ptr + i * stride` bytes. Need not be aligned.
///
/// The layout is part of the chunk interface (`docs/design/001-chunk-interface.md`).
#[derive(Clone, Copy)]
#[repr(C)]
pub struct View<'a> {
    ptr: *mut u8,
    stride: isize,
    len: u64,
    dtype: DType,
    writable: bool,
    life: PhantomData<&'a mut [u8]>,
}

// SAFETY: a View is a pointer with a promise (`from_raw`) that its memory stays valid for 'a on any thread; threads
// that share one write disjoint elements, which the scheduler guarantees by handing each index out once.
unsafe impl Send for View<'_> {}
// SAFETY: as above.
unsafe impl Sync for View<'_> {}

impl<'a> View<'a> {
    /// A view of foreign memory.
    ///
    /// # Safety
    /// For every `i < len` the `dtype.size()` bytes at `ptr + i * stride` are valid for reads (and for writes if
    /// `writable`) during `'a`, and nobody but the batch's workers writes to memory of a writable view meanwhile.
    #[must_use]
    pub const unsafe fn from_raw(ptr: *mut u8, stride: isize, len: u64, dtype: DType, writable: bool) -> Self {
        Self { ptr, stride, len, dtype, writable, life: PhantomData }
    }

    /// A read-only view of a slice.
    #[must_use]
    pub fn input<T: Element>(slice: &'a [T]) -> Self {
        // SAFETY: the slice is valid for reads during 'a, its elements size_of::<T>() bytes apart.
        unsafe {
            let ptr = slice.as_ptr().cast_mut().cast();
            Self::from_raw(ptr, size_of::<T>().cast_signed(), slice.len() as u64, T::DTYPE, false)
        }
    }

    /// A read-only view that repeats one value `len` times.
    #[must_use]
    pub fn scalar<T: Element>(value: &'a T, len: u64) -> Self {
        // SAFETY: with stride 0 every element is `value`, valid for reads during 'a.
        unsafe { Self::from_raw(std::ptr::from_ref(value).cast_mut().cast(), 0, len, T::DTYPE, false) }
    }

    /// A read-only view that repeats the value whose storage begins `cell` `len` times.
    #[must_use]
    pub const fn cell(cell: &'a [u8; 8], dtype: DType, len: u64) -> Self {
        // SAFETY: no dtype takes more than 8 bytes, any bytes are a value of it, and with stride 0 no others are read.
        unsafe { Self::from_raw(cell.as_ptr().cast_mut(), 0, len, dtype, false) }
    }

    /// A writable view of a slice.
    #[must_use]
    pub fn output<T: Element>(slice: &'a mut [T]) -> Self {
        // SAFETY: the slice is exclusively borrowed during 'a, its elements size_of::<T>() bytes apart.
        unsafe {
            let ptr = slice.as_mut_ptr().cast();
            Self::from_raw(ptr, size_of::<T>().cast_signed(), slice.len() as u64, T::DTYPE, true)
        }
    }

    /// The element type.
    #[must_use]
    pub const fn dtype(&self) -> DType {
        self.dtype
    }

    /// The number of elements.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Whether there are no elements.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes from one element to the next; 0 for a repeated scalar.
    #[must_use]
    pub const fn stride(&self) -> isize {
        self.stride
    }

    /// Whether results may be written to it.
    #[must_use]
    pub const fn is_writable(&self) -> bool {
        self.writable
    }

    /// Whether element `i` of both lies at the same address, for every `i`.
    #[must_use]
    pub fn same_place(&self, other: &View<'_>) -> bool {
        self.ptr == other.ptr && self.stride == other.stride && self.dtype.size() == other.dtype.size()
    }

    /// Element `i`.
    ///
    /// # Panics
    /// If `T` is not the storage of the view's dtype or `i` is past the end.
    #[must_use]
    #[inline]
    pub fn read<T: Element>(&self, i: u64) -> T {
        assert!(T::DTYPE == self.dtype && i < self.len, "read of {} at {i} from {self:?}", T::DTYPE);
        // SAFETY: `i < len` and the size is the dtype's, so `from_raw` promises the bytes; alignment is not assumed.
        unsafe { self.at(i).cast::<T>().read_unaligned() }
    }

    /// Stores element `i`.
    ///
    /// # Panics
    /// If the view is read-only, `T` is not the storage of its dtype or `i` is past the end.
    #[inline]
    pub fn write<T: Element>(&self, i: u64, value: T) {
        assert!(T::DTYPE == self.dtype && i < self.len && self.writable, "write of {} at {i} to {self:?}", T::DTYPE);
        // SAFETY: as in `read`, and the view is writable.
        unsafe { self.at(i).cast::<T>().write_unaligned(value) }
    }

    /// Element `i` of a bool view; any non-zero byte is true.
    ///
    /// # Panics
    /// If the view is not of bool or `i` is past the end.
    #[must_use]
    pub fn read_bool(&self, i: u64) -> bool {
        assert!(self.dtype == DType::Bool && i < self.len, "read of bool at {i} from {self:?}");
        // SAFETY: as in `read`; a bool is one byte.
        unsafe { self.at(i).read() != 0 }
    }

    /// Stores element `i` of a bool view.
    ///
    /// # Panics
    /// If the view is read-only, not of bool or `i` is past the end.
    pub fn write_bool(&self, i: u64, value: bool) {
        assert!(self.dtype == DType::Bool && i < self.len && self.writable, "write of bool at {i} to {self:?}");
        // SAFETY: as in `write`; a bool is one byte.
        unsafe { self.at(i).write(u8::from(value)) }
    }

    /// Loads the elements from `begin` on into `tile`.
    ///
    /// # Panics
    /// As [`View::read`].
    #[inline]
    pub fn load<T: Element>(&self, begin: u64, tile: &mut [T]) {
        self.check_tile::<T>(begin, tile.len());
        if self.stride == size_of::<T>().cast_signed() {
            // SAFETY: `check_tile` bounds the range; contiguous elements are one run of bytes; `tile` is a fresh
            // exclusive borrow, so the two can't overlap.
            unsafe {
                std::ptr::copy_nonoverlapping(self.at(begin), tile.as_mut_ptr().cast::<u8>(), size_of_val(tile));
            }
        } else if self.stride == 0 && !tile.is_empty() {
            tile.fill(self.read(begin));
        } else {
            for (i, slot) in (begin..).zip(tile) {
                // SAFETY: `check_tile` bounds the range.
                *slot = unsafe { self.at(i).cast::<T>().read_unaligned() };
            }
        }
    }

    /// Stores `tile` into the elements from `begin` on.
    ///
    /// # Panics
    /// As [`View::write`].
    #[inline]
    pub fn store<T: Element>(&self, begin: u64, tile: &[T]) {
        self.check_tile::<T>(begin, tile.len());
        assert!(self.writable, "store to {self:?}");
        if self.stride == size_of::<T>().cast_signed() {
            // SAFETY: as in `load`; the view is writable, and `tile` is the kernel's own memory.
            unsafe {
                std::ptr::copy_nonoverlapping(tile.as_ptr().cast::<u8>(), self.at(begin), size_of_val(tile));
            }
        } else {
            for (i, value) in (begin..).zip(tile) {
                // SAFETY: `check_tile` bounds the range.
                unsafe { self.at(i).cast::<T>().write_unaligned(*value) };
            }
        }
    }

    /// Where element 0 lies.
    #[must_use]
    #[inline]
    pub const fn address(&self) -> *mut u8 {
        self.ptr
    }

    /// Whether each element lies right behind the one before.
    #[must_use]
    #[inline]
    pub const fn is_contiguous(&self) -> bool {
        self.stride == self.dtype.size().cast_signed()
    }

    /// Copies the elements from `begin` on, as many as `bytes` holds, to `bytes`.
    ///
    /// # Panics
    /// If they reach past the end.
    pub fn load_bytes(&self, begin: u64, bytes: &mut [u8]) {
        self.check_bytes(begin, bytes.len());
        let size = self.dtype.size();
        for (i, slot) in (begin..).zip(bytes.chunks_exact_mut(size)) {
            // SAFETY: `check_bytes` bounds the range; `slot` has an element's size, and is not the view's memory.
            unsafe { copy_one(self.at(i), slot.as_mut_ptr(), size) };
        }
    }

    /// Copies `bytes` to the elements from `begin` on.
    ///
    /// # Panics
    /// If they reach past the end, or the view is read-only.
    pub fn store_bytes(&self, begin: u64, bytes: &[u8]) {
        self.check_bytes(begin, bytes.len());
        assert!(self.writable, "store to {self:?}");
        let size = self.dtype.size();
        for (i, slot) in (begin..).zip(bytes.chunks_exact(size)) {
            // SAFETY: as in `load_bytes`, and the view is writable.
            unsafe { copy_one(slot.as_ptr(), self.at(i), size) };
        }
    }

    fn check_bytes(&self, begin: u64, bytes: usize) {
        let fits = begin.checked_add((bytes / self.dtype.size()) as u64).is_some_and(|end| end <= self.len);
        assert!(fits && bytes.is_multiple_of(self.dtype.size()), "{bytes} bytes at {begin} of {self:?}");
    }

    #[inline]
    fn check_tile<T: Element>(&self, begin: u64, len: usize) {
        let fits = begin.checked_add(len as u64).is_some_and(|end| end <= self.len);
        assert!(T::DTYPE == self.dtype && fits, "tile of {len} {} at {begin} of {self:?}", T::DTYPE);
    }

    /// # Safety
    /// `i <= len`.
    #[inline]
    unsafe fn at(&self, i: u64) -> *mut u8 {
        // `i * stride` can't overflow: the elements exist in one address space.
        self.ptr.wrapping_offset((i.cast_signed() as isize).wrapping_mul(self.stride))
    }
}

/// Copies one element of 1, 2, 4 or 8 bytes.
///
/// # Safety
/// The bytes are valid for reading and writing.
#[inline(always)]
unsafe fn copy_one(from: *const u8, to: *mut u8, size: usize) {
    // SAFETY: the caller's promise; alignment is not assumed.
    unsafe {
        match size {
            1 => to.write(from.read()),
            2 => to.cast::<[u8; 2]>().write(from.cast::<[u8; 2]>().read()),
            4 => to.cast::<[u8; 4]>().write(from.cast::<[u8; 4]>().read()),
            _ => to.cast::<[u8; 8]>().write(from.cast::<[u8; 8]>().read()),
        }
    }
}

impl fmt::Debug for View<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "View({} x {}, stride {}, writable {})", self.len, self.dtype, self.stride, self.writable)
    }
}

#[cfg(test)]
mod test;
