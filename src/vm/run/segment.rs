//! Instruction after instruction.

use super::{DISPATCH, Flow, Machine};
use crate::kernel::Status;
use crate::vm::frame::Inst;
use crate::vm::op::Control;

impl Machine<'_> {
    /// Runs from instruction `start` to the segment's end, or to `refill`.
    pub(super) fn segment(&mut self, start: usize) -> Flow {
        let program = self.program;
        let code = program.code.as_slice();
        let lanes = (self.frame.hi - self.frame.lo) as u64;
        self.depth = 0;
        let mut pc = start;
        loop {
            let inst = &code[pc];
            pc += 1;
            match inst.control {
                Control::Code => self.frame.carry_out(inst),
                Control::Jump => pc = inst.imm as usize,
                Control::JumpIf if self.frame.truth(inst.a) => pc = inst.imm as usize,
                Control::JumpUnless if !self.frame.truth(inst.a) => pc = inst.imm as usize,
                Control::JumpIf | Control::JumpUnless => {}
                Control::JumpIfNone => {
                    self.frame.carry_out(inst);
                    if self.frame.answer == 0 {
                        pc = inst.imm as usize;
                    }
                }
                Control::Due => {
                    if self.frame.meet(inst.b, inst.d) {
                        self.frame.carry_out(inst);
                        if self.frame.answer != 0 {
                            continue;
                        }
                    }
                    pc = inst.imm as usize;
                }
                Control::Back => {
                    pc = inst.imm as usize;
                    if let Some(flow) = self.back(inst) {
                        return flow;
                    }
                }
                Control::Enter => {
                    self.windows[self.depth] = (self.frame.hi, self.frame.padded);
                    self.depth += 1;
                }
                Control::Leave => {
                    self.depth -= 1;
                    (self.frame.hi, self.frame.padded) = self.windows[self.depth];
                }
                Control::Compact => self.compact(inst),
                Control::Refill if self.keeps_on(inst) => {}
                Control::Refill => return Flow::Refill,
                Control::End => {
                    self.work += self.cost(start, pc, lanes);
                    return Flow::End;
                }
            }
        }
    }

    /// What the instructions from `from` to `to` cost on so many lanes.
    fn cost(&self, from: usize, to: usize, lanes: u64) -> u64 {
        let weights = &self.program.weights;
        (weights[to] - weights[from]) * lanes + (to - from) as u64 * DISPATCH
    }

    /// A back edge: polls, and looks whether any lane is still worth it.
    #[inline]
    fn back(&mut self, inst: &Inst) -> Option<Flow> {
        let lanes = (self.frame.hi - self.frame.lo) as u64;
        self.work += u64::from(inst.a) * lanes + u64::from(inst.b) * DISPATCH;
        if self.fuel == 0 {
            return Some(Flow::Stop(Status::STOPPED));
        }
        self.fuel -= 1;
        if self.frame.faulted {
            self.frame.faulted = false;
            if !self.frame.any_ok() {
                return Some(Flow::Lost);
            }
        }
        self.poll_if_due().map(Flow::Stop)
    }
}
