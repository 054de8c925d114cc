//! Malformed programs: whatever the verifier lets through runs without a panic, out of bounds or for ever.
//!
//! `VM_FUZZ_PROGRAMS` sets how many are tried of each kind, `VM_FUZZ_SEED` where to begin.

use super::assembler::{Assembler, busy_uniform, busy_varying, mandelbrot};
use super::rows::Numbers;
use super::*;
use crate::vm::op::{Field, Kind};

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Random registers, and room for every kind of operand.
fn shell(numbers: &mut Numbers) -> Assembler {
    let types = &DType::ALL[..11];
    let inputs: Vec<_> = types.iter().flat_map(|dtype| [(*dtype, false), (*dtype, true)]).collect();
    let mut a = Assembler::new(&inputs, types);
    for dtype in types {
        for _ in 0..1 + numbers.below(3) {
            if numbers.below(2) == 0 {
                a.state(*dtype)
            } else {
                a.v(*dtype)
            };
        }
        a.s(*dtype);
        a.s(*dtype);
        let bits = numbers.value(*dtype);
        a.constant(*dtype, bits);
    }
    a
}

/// A number that a field may hold; now and then one that it may not.
fn operand(a: &Assembler, kind: Kind, at: u32, length: u32, numbers: &mut Numbers) -> u32 {
    let pick = |types: &[DType], wanted: DType, numbers: &mut Numbers| {
        let fitting: Vec<usize> = (0..types.len()).filter(|i| types[*i] == wanted).collect();
        fitting[numbers.below(fitting.len())] as u32
    };
    if numbers.below(400) == 0 {
        return numbers.next() as u32 & 0xFFFF;
    }
    match kind {
        Kind::V(dtype) => pick(&a.draft.lanes, dtype, numbers),
        Kind::S(dtype) => pick(&a.draft.uniforms, dtype, numbers),
        Kind::Mask if numbers.below(3) == 0 => 0xFFFF,
        Kind::Mask => pick(&a.draft.lanes, DType::Bool, numbers),
        Kind::Site => numbers.below(8) as u32,
        Kind::Target if numbers.below(2) == 0 => (at + 1 + numbers.below(6) as u32).min(length - 1),
        Kind::Target => at - numbers.below(at as usize + 1) as u32,
        Kind::Input => numbers.below(22) as u32,
        Kind::Output => numbers.below(11) as u32,
        Kind::Table | Kind::Axis => 0,
    }
}

/// A program of random instructions, most of which fit their rows.
fn random(numbers: &mut Numbers) -> Draft {
    let mut a = shell(numbers);
    let length = 4 + numbers.below(40) as u32;
    let refill = (numbers.below(2) == 0).then(|| (1 + numbers.below(2) as u32, length - 2));
    let mut depth = 0;
    while a.here() < length {
        let at = a.here();
        let name = match refill {
            _ if at + 1 == length => "end".to_owned(),
            Some((head, behind)) if at + 1 == head || at + 1 == behind => "end".to_owned(),
            Some((head, _)) if at == head => "refill".to_owned(),
            Some((_, behind)) if at + 2 == behind && numbers.below(4) != 0 => "back".to_owned(),
            _ => match numbers.below(12) {
                0 => ["jump", "jump_if", "jump_unless", "jump_if_none", "back"][numbers.below(5)].to_owned(),
                1 if depth > 0 => ["compact", "leave"][numbers.below(2)].to_owned(),
                1 => "enter".to_owned(),
                _ => ops().rows()[numbers.below(ops().rows().len())].name.clone(),
            },
        };
        depth += i32::from(name == "enter") - i32::from(name == "leave");
        let row = &ops().rows()[usize::from(ops().number(&name).unwrap())];
        // Inputs and results have to be of the type of the register that they meet.
        let moved = row.fields.iter().find_map(|(_, kind)| match kind {
            Kind::V(dtype) | Kind::S(dtype) => Some((*dtype as u32, matches!(kind, Kind::S(_)))),
            _ => None,
        });
        let number = |(field, kind): &(Field, Kind)| match (kind, moved) {
            (Kind::Input, Some((dtype, uniform))) => 2 * dtype + u32::from(uniform),
            (Kind::Output, Some((dtype, _))) => dtype,
            (Kind::Target, _) if name == "back" => {
                let start = refill.map_or(0, |(head, behind)| {
                    if at >= behind {
                        behind
                    } else if at >= head {
                        head
                    } else {
                        0
                    }
                });
                start + numbers.below((at - start + 1) as usize) as u32
            }
            (Kind::V(dtype), _) if *field == Field::Dst && numbers.below(50) != 0 => {
                let fitting = (1..a.draft.lanes.len()).filter(|i| a.draft.lanes[*i] == *dtype).collect::<Vec<_>>();
                fitting[numbers.below(fitting.len())] as u32
            }
            (Kind::S(dtype), _) if *field == Field::Dst => *dtype as u32 * 3,
            _ => operand(&a, *kind, at, length, numbers),
        };
        let operands: Vec<u32> = row.fields.iter().map(number).collect();
        a.op(&name, &operands);
    }
    if let Some((head, behind)) = refill {
        (a.draft.loop_start, a.draft.epilogue) = (Some(head as usize), Some(behind as usize));
    }
    a.draft
}

/// A program that means something, with a few bytes or settings changed.
fn mutated(numbers: &mut Numbers) -> Draft {
    let mut draft = [busy_uniform, busy_varying, mandelbrot][numbers.below(3)]().draft;
    for _ in 0..1 + numbers.below(3) {
        let at = numbers.below(draft.code.len());
        match numbers.below(8) {
            0 => draft.code[at] = numbers.next() as u8,
            1 => draft.code[at] ^= 1 << numbers.below(8),
            2 => {
                let (from, to) = (at / 16 * 16, numbers.below(draft.code.len() / 16) * 16);
                draft.code.copy_within(from..from + 16, to);
            }
            3 => draft.code.truncate(at / 16 * 16),
            4 => draft.permute.truncate(numbers.below(draft.permute.len() + 1)),
            5 => draft.loop_start = Some(numbers.below(20)),
            6 => {
                let register = numbers.below(draft.lanes.len());
                draft.lanes[register] = DType::ALL[numbers.below(11)];
            }
            // Another register in one field: often still a program.
            _ => draft.code[at / 16 * 16 + [2, 4, 6, 8][numbers.below(4)]] = numbers.below(draft.lanes.len()) as u8,
        }
        if draft.code.is_empty() {
            break;
        }
    }
    draft
}

/// Columns for a draft's inputs, of `n` elements.
fn columns(draft: &Draft, n: usize, numbers: &mut Numbers) -> Vec<Column> {
    let column = |input: &Input| {
        let first = numbers.value(input.dtype);
        let values: Vec<u64> = (0..n).map(|_| if input.uniform { first } else { numbers.value(input.dtype) }).collect();
        Column::new(input.dtype, &values)
    };
    draft.inputs.iter().map(column).collect()
}

/// Runs what passes the verifier, twice: the answers are the same.
fn try_all(seed: u64, count: u64, make: fn(&mut Numbers) -> Draft) -> u64 {
    let mut passed = 0;
    for round in seed..seed + count {
        let mut numbers = Numbers(round.wrapping_mul(0x5851_f42d_4c95_7f2d));
        let draft = make(&mut numbers);
        if Program::new(&draft).is_err() {
            continue;
        }
        passed += 1;
        let n = 1 + numbers.below(150);
        let inputs = columns(&draft, n, &mut numbers);
        let levels = Level::all();
        let way = Way {
            level: levels[numbers.below(levels.len())],
            lanes: [64, 128, 256][numbers.below(3)],
            chunk: 16 + numbers.next() % 200,
            max_steps: if numbers.below(2) == 0 { u64::MAX } else { numbers.next() % 50 },
            masked: numbers.below(2) == 0,
            fuel: 60,
            handed: numbers.below(2) == 0,
        };
        let outcome = run(&draft, &inputs, n, way);
        assert_eq!(run(&draft, &inputs, n, way), outcome, "round {round} gives other values the second time");
    }
    passed
}

#[test]
fn random_programs_neither_panic_nor_hang() {
    let (seed, count) = (setting("VM_FUZZ_SEED", 0), setting("VM_FUZZ_PROGRAMS", 3_000));
    let passed = try_all(seed, count, random);
    println!("{passed} of {count} random programs passed the verifier");
    assert!(passed * 20 > count, "{passed} of {count} random programs passed the verifier: too few to say anything");
}

#[test]
fn mutated_programs_neither_panic_nor_hang() {
    let (seed, count) = (setting("VM_FUZZ_SEED", 0), setting("VM_FUZZ_PROGRAMS", 3_000));
    let passed = try_all(seed, count, mutated);
    println!("{passed} of {count} mutated programs passed the verifier");
    assert!(passed * 20 > count, "{passed} of {count} mutated programs passed the verifier: too few to say anything");
}

#[test]
fn random_bytes_neither_panic_nor_hang() {
    let (seed, count) = (setting("VM_FUZZ_SEED", 0), setting("VM_FUZZ_PROGRAMS", 3_000));
    try_all(seed, count, |numbers| {
        let mut a = shell(numbers);
        let length = numbers.below(200);
        a.draft.code = (0..length).map(|_| numbers.next() as u8).collect();
        a.draft
    });
}
