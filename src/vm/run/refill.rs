//! The refill loop: finished lanes get new elements, so that the loop runs on full blocks.

use super::{DISPATCH, Flow, Machine};
use crate::vm::frame::Inst;

/// Work of finding out which lanes are to be exchanged, in additions of a byte: about 150 ns.
const PARTITION: u64 = 15_000;

/// What finished lanes of the refill loop cost.
#[derive(Debug, Default)]
pub(super) struct Idle {
    /// Work that they have idled through since they last were replaced.
    work: u64,
    /// What an iteration adds to it.
    each: u64,
    /// The work that replacing lanes takes, however many there are. For lanes that finish one after the other it is best
    /// to wait until they have idled as much.
    most: u64,
}

impl Machine<'_> {
    /// Runs prologue, loop and epilogue on the block just taken, and on all elements that its lanes get afterwards.
    pub(super) fn refilled(&mut self, head: usize, behind: usize) -> Flow {
        let refill = &self.program.code[head];
        let mut flow = self.segment(0);
        self.idle = Idle::default();
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

    /// Whether the loop goes on with the lanes that it has.
    #[inline]
    pub(super) fn keeps_on(&mut self, refill: &Inst) -> bool {
        if self.frame.truth(refill.b) {
            self.frame.set_truth(refill.b, false);
            self.frame.carry_out(refill);
            if !self.weigh(self.frame.answer) {
                return false;
            }
        }
        self.idle.work += self.idle.each;
        if self.idle.each == 0 || self.idle.work < self.idle.most {
            return true;
        }
        self.frame.carry_out(refill);
        false
    }

    /// Works out what the finished lanes cost, while `live` are not; false if there is nothing else.
    fn weigh(&mut self, live: usize) -> bool {
        let Some((head, behind)) = self.program.refill else { return true };
        let dead = (self.frame.block - live) as u64;
        let weights = &self.program.weights;
        let instructions = self.program.code.len() - behind + head;
        self.idle.each = dead * (weights[behind] - weights[head]);
        self.idle.most = instructions as u64 * DISPATCH + PARTITION;
        live > 0
    }

    /// The lanes from `live` on have finished: stores their results, and gives them new elements as far as there are any.
    fn turn_over(&mut self, live: usize, behind: usize) -> Flow {
        self.idle = Idle::default();
        if live < self.frame.block {
            self.frame.set_window(live, self.frame.block);
            let flow = self.segment(behind);
            if flow != Flow::End {
                return flow;
            }
            if self.take(live, true) {
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
