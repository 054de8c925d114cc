//! The refill loop: finished lanes get new elements, so that the loop runs on full blocks.

use super::{DISPATCH, Flow, Machine};
use crate::vm::frame::Inst;

/// Work of exchanging a register of two lanes, in additions of a lane.
const EXCHANGE: u64 = 16;

impl Machine<'_> {
    /// Runs prologue, loop and epilogue on the block just taken, and on all elements that its lanes get afterwards.
    pub(super) fn refilled(&mut self, head: usize, behind: usize) -> Flow {
        let refill = &self.program.code[head];
        let mut flow = self.segment(0);
        self.idle = 0;
        while flow == Flow::End && self.frame.block > 0 {
            let live = match self.segment(head) {
                Flow::Refill => self.frame.answer,
                Flow::End => 0,
                other => return other,
            };
            self.partition(refill.a, true, live);
            flow = self.turn_over(live, behind);
        }
        flow
    }

    /// Whether the loop goes on with the lanes that it has: until the finished ones have idled for as much work as
    /// replacing them takes.
    #[inline]
    pub(super) fn keeps_on(&mut self, head: usize, refill: &Inst) -> bool {
        let lanes = self.frame.block;
        self.frame.carry_out(refill);
        let live = self.frame.answer;
        let dead = (lanes - live) as u64;
        if dead == 0 {
            return true;
        }
        let Some((_, behind)) = self.program.refill else { return true };
        let weights = &self.program.weights;
        self.idle += dead * (weights[behind] - weights[head]);
        let around = weights[head] + weights[weights.len() - 1] - weights[behind];
        let instructions = self.program.code.len() - behind + head;
        let each = around + self.program.permute.len() as u64 * EXCHANGE;
        live > 0 && self.idle < instructions as u64 * DISPATCH + dead * each
    }

    /// The lanes from `live` on have finished: stores their results, and gives them new elements as far as there are any.
    fn turn_over(&mut self, live: usize, behind: usize) -> Flow {
        self.idle = 0;
        if live < self.frame.block {
            self.frame.set_window(live, self.frame.block);
            let flow = self.segment(behind);
            if flow != Flow::End {
                return flow;
            }
            if self.take(live, self.program.lanes - live) {
                let flow = self.segment(0);
                if flow != Flow::End {
                    return flow;
                }
            }
        }
        self.frame.set_window(0, self.frame.block);
        Flow::End
    }
}
