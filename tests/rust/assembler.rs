//! Bytecode by hand, for tests and benches: ops by name, registers as they are asked for.

use super::{DType, Draft, Input, TableInput, ops};

/// A draft in the making.
#[derive(Debug, Clone)]
pub(crate) struct Assembler {
    pub(crate) draft: Draft,
}

/// The mask of every lane.
pub(crate) const EVERY: u32 = 0xFFFF;

#[allow(dead_code, reason = "not everyone who includes this file uses all of it")]
impl Assembler {
    /// A draft with these arguments and results, and the register `ok`.
    pub(crate) fn new(inputs: &[(DType, bool)], outputs: &[DType]) -> Self {
        let inputs = inputs.iter().map(|(dtype, uniform)| Input { dtype: *dtype, uniform: *uniform }).collect();
        let draft = Draft { inputs, outputs: outputs.to_vec(), lanes: vec![DType::Bool], sites: 8, ..Draft::default() };
        Self { draft }
    }

    /// A table argument's number.
    pub(crate) fn table(&mut self, dtype: DType, ndim: usize) -> u32 {
        self.draft.tables.push(TableInput { dtype, ndim });
        self.draft.tables.len() as u32 - 1
    }

    /// A new lane register.
    pub(crate) fn v(&mut self, dtype: DType) -> u32 {
        self.draft.lanes.push(dtype);
        self.draft.lanes.len() as u32 - 1
    }

    /// A new lane register that moves with its element.
    pub(crate) fn state(&mut self, dtype: DType) -> u32 {
        let register = self.v(dtype);
        self.draft.permute.push(register as usize);
        register
    }

    /// A new uniform register.
    pub(crate) fn s(&mut self, dtype: DType) -> u32 {
        self.draft.uniforms.push(dtype);
        self.draft.uniforms.len() as u32 - 1
    }

    /// A constant.
    pub(crate) fn constant(&mut self, dtype: DType, bits: u64) -> u32 {
        let register = self.s(dtype);
        self.draft.consts.push((register as usize, bits));
        register
    }

    /// Where the next instruction goes.
    pub(crate) fn here(&self) -> u32 {
        self.draft.code.len() as u32 / 16
    }

    /// Adds an instruction with its fields in the order of its row; answers with its number.
    pub(crate) fn op(&mut self, name: &str, operands: &[u32]) -> u32 {
        let number = ops().number(name).unwrap_or_else(|| panic!("no op {name}"));
        let row = &ops().rows()[usize::from(number)];
        assert_eq!(row.fields.len(), operands.len(), "{name} has the fields {:?}", row.fields);
        let mut word = [0_u8; 16];
        word[..2].copy_from_slice(&number.to_le_bytes());
        for ((field, _), operand) in row.fields.iter().zip(operands) {
            let at = ["dst", "a", "b", "c", "d"].iter().position(|name| *name == field.name());
            match at {
                Some(at) => word[2 * at + 2..2 * at + 4].copy_from_slice(&(*operand as u16).to_le_bytes()),
                None => word[12..].copy_from_slice(&operand.to_le_bytes()),
            }
        }
        self.draft.code.extend(word);
        self.here() - 1
    }

    /// Lets the jump at `at` go to the next instruction.
    pub(crate) fn land(&mut self, at: u32) {
        let target = self.here().to_le_bytes();
        self.draft.code[at as usize * 16 + 12..at as usize * 16 + 16].copy_from_slice(&target);
    }

    /// Ends the prologue and starts the refill loop of the lanes in a mask; answers with its head and the operands of the
    /// `mov.bool.ss` that belongs where lanes leave.
    pub(crate) fn start_loop(&mut self, live: u32) -> (u32, [u32; 2]) {
        let tell = [self.s(DType::Bool), self.constant(DType::Bool, 1)];
        self.op("mov.bool.ss", &tell);
        self.op("end", &[]);
        self.draft.loop_start = Some(self.here() as usize);
        (self.op("refill", &[live, tell[0]]), tell)
    }

    /// Ends the refill loop: the epilogue starts here.
    pub(crate) fn start_epilogue(&mut self) {
        self.op("end", &[]);
        self.draft.epilogue = Some(self.here() as usize);
    }
}

/// `busy_work(x, iters)` over int32 with a uniform count: `acc = (acc * 7 + 13) rem 997`.
#[allow(dead_code, reason = "as above")]
pub(crate) fn busy_uniform() -> Assembler {
    use DType::{Bool, Int32, Int64};
    let mut a = Assembler::new(&[(Int32, false), (Int64, true)], &[Int32]);
    let (acc, left, more) = (a.v(Int32), a.s(Int64), a.s(Bool));
    let [seven, thirteen, modulus] = [7, 13, 997].map(|value| a.constant(Int32, value));
    let (zero, one) = (a.constant(Int64, 0), a.constant(Int64, 1));
    a.op("input.i32.v", &[acc, 0]);
    a.op("input.i64.s", &[left, 1]);
    let head = a.op("gt.i64.ss", &[more, left, zero]);
    let out = a.op("jump_unless", &[more, 0]);
    a.op("mul.i32.vs", &[acc, acc, seven]);
    a.op("add.i32.vs", &[acc, acc, thirteen]);
    a.op("rem.i32.vs", &[acc, acc, modulus, EVERY, 0]);
    a.op("sub.i64.ss", &[left, left, one]);
    a.op("back", &[head]);
    a.land(out);
    a.op("store.i32.v", &[acc, 0, EVERY]);
    a.op("end", &[]);
    a
}

/// The same with a count for each element, as a refill loop.
#[allow(dead_code, reason = "as above")]
pub(crate) fn busy_varying() -> Assembler {
    use DType::{Bool, Int32, UInt32};
    let mut a = Assembler::new(&[(Int32, false), (UInt32, false)], &[Int32]);
    let (acc, time, live) = (a.state(Int32), a.state(UInt32), a.state(Bool));
    let (shadow, leaving) = (a.state(Int32), a.v(Bool));
    let [seven, thirteen, modulus] = [7, 13, 997].map(|value| a.constant(Int32, value));
    let (clock, alarm, one) = (a.s(UInt32), a.s(UInt32), a.constant(UInt32, 1));
    a.op("input.i32.v", &[acc, 0]);
    a.op("input.u32.v", &[time, 1]);
    a.op("add.u32.vs", &[time, time, clock]);
    a.op("mov.u32.ss", &[alarm, clock]);
    a.op("mov.bool.v", &[live, 0]);
    let (head, tell) = a.start_loop(live);
    let on = a.op("due.u32", &[leaving, time, clock, live, alarm, 0]);
    a.op("movm.i32.v", &[shadow, acc, leaving]);
    a.op("andn.bool.vv", &[live, live, leaving]);
    a.op("mov.bool.ss", &tell);
    a.land(on);
    a.op("mul.i32.vs", &[acc, acc, seven]);
    a.op("add.i32.vs", &[acc, acc, thirteen]);
    a.op("rem.i32.vs", &[acc, acc, modulus, EVERY, 0]);
    a.op("add.u32.ss", &[clock, clock, one]);
    a.op("back", &[head]);
    a.start_epilogue();
    a.op("store.i32.v", &[shadow, 0, EVERY]);
    a.op("end", &[]);
    a
}

/// Mandelbrot's iteration count over `(cx, cy)` with a uniform limit, in float64, as a refill loop.
#[allow(dead_code, reason = "as above")]
pub(crate) fn mandelbrot() -> Assembler {
    use DType::{Bool, Float64, Int32};
    let mut a = Assembler::new(&[(Float64, false), (Float64, false), (Int32, true)], &[Int32]);
    let [cx, cy, zx, zy] = [(); 4].map(|()| a.state(Float64));
    let (count, live, result) = (a.state(Int32), a.state(Bool), a.state(Int32));
    let [t, x2, y2] = [(); 3].map(|()| a.v(Float64));
    let (go, leaving) = (a.v(Bool), a.v(Bool));
    let limit = a.s(Int32);
    let [zero, two, four] = [0.0_f64, 2.0, 4.0].map(|value| a.constant(Float64, value.to_bits()));
    let (none, one) = (a.constant(Int32, 0), a.constant(Int32, 1));
    a.op("input.f64.v", &[cx, 0]);
    a.op("input.f64.v", &[cy, 1]);
    a.op("input.i32.s", &[limit, 2]);
    a.op("mov.f64.s", &[zx, zero]);
    a.op("mov.f64.s", &[zy, zero]);
    a.op("mov.i32.s", &[count, none]);
    a.op("lt.i32.vs", &[live, count, limit]);
    a.op("mov.i32.s", &[result, limit]);
    let (head, tell) = a.start_loop(live);
    a.op("mul.f64.vv", &[x2, zx, zx]);
    a.op("mul.f64.vv", &[y2, zy, zy]);
    a.op("add.f64.vv", &[t, x2, y2]);
    a.op("gt.f64.vs", &[leaving, t, four]);
    a.op("and.bool.vv", &[leaving, leaving, live]);
    let on = a.op("jump_if_none", &[leaving, 0]);
    a.op("movm.i32.v", &[result, count, leaving]);
    a.op("andn.bool.vv", &[live, live, leaving]);
    a.op("mov.bool.ss", &tell);
    a.land(on);
    a.op("mul.f64.vs", &[t, zx, two]);
    a.op("mul.f64.vv", &[t, t, zy]);
    a.op("add.f64.vv", &[zy, t, cy]);
    a.op("sub.f64.vv", &[t, x2, y2]);
    a.op("add.f64.vv", &[zx, t, cx]);
    a.op("add.i32.vs", &[count, count, one]);
    a.op("lt.i32.vs", &[go, count, limit]);
    a.op("and.bool.vv", &[live, live, go]);
    a.op("mov.bool.ss", &tell);
    a.op("back", &[head]);
    a.start_epilogue();
    a.op("store.i32.v", &[result, 0, EVERY]);
    a.op("end", &[]);
    a
}
