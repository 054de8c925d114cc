//! Each row of the table: all forms, all levels, in place and not, with masks, constants and faults.

use super::assembler::{Assembler, EVERY};
use super::oracle::{decode, encode, evaluate};
use super::*;
use crate::vm::op::{Field, Kind, Row};
use crate::vm::types::short;

/// Numbers that tests are tried with: a fixed sequence, so that failures repeat.
pub(super) struct Numbers(pub(super) u64);

impl Numbers {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    pub(super) fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    /// A value of a type: one in three special, one in three small.
    pub(super) fn value(&mut self, dtype: DType) -> u64 {
        let kind = self.below(3);
        let x = self.next();
        let bits = match dtype {
            DType::Bool => x & 1,
            DType::Float64 if kind == 0 => SPECIAL[self.below(SPECIAL.len())].to_bits(),
            DType::Float64 if kind == 1 => ((x % 4001) as f64 / 8.0 - 250.0).to_bits(),
            DType::Float32 if kind == 0 => (SPECIAL[self.below(SPECIAL.len())] as f32).to_bits().into(),
            DType::Float32 if kind == 1 => ((x % 4001) as f32 / 8.0 - 250.0).to_bits().into(),
            _ if kind == 0 => {
                let edges = [0, 1, u64::MAX, 1 << (dtype.size() * 8 - 1), (1 << (dtype.size() * 8 - 1)) - 1, 2, 7];
                edges[self.below(edges.len())]
            }
            _ if kind == 1 => (x % 41).wrapping_sub(20),
            _ => x >> (x % 64),
        };
        bits & (u64::MAX >> (64 - dtype.size() * 8))
    }
}

const SPECIAL: [f64; 24] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    -0.5,
    1.5,
    2.5,
    -2.5,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
    f64::MAX,
    f64::MIN,
    f64::MIN_POSITIVE,
    5e-324,
    1e-40,
    127.5,
    -128.9,
    255.99,
    2147483648.0,
    -2147483649.0,
    9223372036854775808.0,
    18446744073709551616.0,
];

/// One way to try a row.
#[derive(Debug, Clone, Copy)]
struct Trial {
    way: Way,
    n: usize,
    in_place: bool,
    masked: bool,
    constants: bool,
}

/// Whether a row computes values from values.
fn computes(row: &Row) -> bool {
    let others = ["input", "store", "gather", "dim", "step", "fault", "movm"];
    matches!(row.exec, crate::vm::op::Exec::Code(_)) && !others.contains(&row.name.split('.').next().unwrap())
}

fn operand_types(row: &Row) -> Vec<DType> {
    let operand = |(field, kind): &(Field, Kind)| match kind {
        Kind::V(dtype) | Kind::S(dtype) if *field != Field::Dst => Some(*dtype),
        _ => None,
    };
    row.fields.iter().filter_map(operand).collect()
}

/// A program of one op: its draft, its inputs, and the operands of each element.
fn program(row: &Row, trial: Trial, numbers: &mut Numbers) -> (Draft, Vec<Column>, Vec<Vec<u64>>) {
    let mut a = Assembler::new(&[], &[]);
    let (mut columns, mut operands, mut fields) = (Vec::new(), Vec::new(), Vec::new());
    let mut result = None;
    let mask = if trial.masked {
        a.draft.inputs.push(Input { dtype: DType::Bool, uniform: false });
        columns.push(Column::new(DType::Bool, &(0..trial.n).map(|_| numbers.next() & 1).collect::<Vec<_>>()));
        let register = a.v(DType::Bool);
        a.op("input.bool.v", &[register, 0]);
        register
    } else {
        EVERY
    };
    for (field, kind) in &row.fields {
        match (field, kind) {
            (Field::Dst, _) => fields.push(None),
            (_, Kind::V(dtype)) => {
                let values: Vec<u64> = (0..trial.n).map(|_| numbers.value(*dtype)).collect();
                a.draft.inputs.push(Input { dtype: *dtype, uniform: false });
                columns.push(Column::new(*dtype, &values));
                let register = a.v(*dtype);
                a.op(&format!("input.{}.v", short(*dtype)), &[register, columns.len() as u32 - 1]);
                operands.push(values);
                fields.push(Some(register));
            }
            (_, Kind::S(dtype)) => {
                let value = numbers.value(*dtype);
                let register = if trial.constants {
                    a.constant(*dtype, value)
                } else {
                    a.draft.inputs.push(Input { dtype: *dtype, uniform: true });
                    columns.push(Column::new(*dtype, &vec![value; trial.n]));
                    let register = a.s(*dtype);
                    a.op(&format!("input.{}.s", short(*dtype)), &[register, columns.len() as u32 - 1]);
                    register
                };
                operands.push(vec![value; trial.n]);
                fields.push(Some(register));
            }
            (_, Kind::Mask) => fields.push(Some(mask)),
            _ => fields.push(Some(3)),
        }
    }
    if let Some(place) = row.fields.iter().position(|(field, _)| *field == Field::Dst) {
        let kind = row.fields[place].1;
        let same = || row.fields.iter().position(|(field, other)| *field != Field::Dst && *other == kind);
        let (Kind::V(dtype) | Kind::S(dtype)) = kind else { panic!("{} writes {kind}", row.name) };
        let lanes = matches!(kind, Kind::V(_));
        let register = match same() {
            Some(other) if trial.in_place && lanes => fields[other].unwrap(),
            _ if lanes => a.v(dtype),
            _ => a.s(dtype),
        };
        fields[place] = Some(register);
        result = Some((register, dtype, lanes));
    }
    let fields: Vec<u32> = fields.into_iter().map(Option::unwrap).collect();
    a.op(&row.name, &fields);
    let (register, dtype, lanes) = result.unwrap();
    a.draft.outputs.push(dtype);
    a.op(&format!("store.{}.{}", short(dtype), if lanes { "v" } else { "s" }), &[register, 0, mask]);
    a.op("end", &[]);
    let by_element = (0..trial.n).map(|i| operands.iter().map(|values| values[i]).collect()).collect();
    (a.draft, columns, by_element)
}

fn check(row: &Row, trial: Trial, numbers: &mut Numbers) {
    let (draft, columns, operands) = program(row, trial, numbers);
    let outcome = run(&draft, &columns, trial.n, trial.way);
    let (op, types, r) = (row.name.split('.').next().unwrap(), operand_types(row), draft.outputs[0]);
    for (i, values) in operands.iter().enumerate() {
        if trial.masked && columns[0].bytes[i] == 0 {
            assert_eq!(outcome.ok.as_ref().map(|ok| ok[i]), Some(1), "{}: element {i} is masked out", row.name);
            continue;
        }
        let decoded: Vec<_> = values.iter().zip(&types).map(|(bits, dtype)| decode(*dtype, *bits)).collect();
        let expected = evaluate(op, types[types.len() - 1], r, &decoded).map(|value| encode(r, value));
        let got = (outcome.ok.as_ref().unwrap()[i] != 0).then(|| outcome.outputs[0][i]).ok_or(());
        assert_eq!(got, expected, "{} of {decoded:?}, element {i}, {trial:?}", row.name);
    }
    assert!(outcome.finished);
}

#[test]
fn rows_mean_what_the_oracle_says() {
    let mut numbers = Numbers(1);
    for row in ops().rows().iter().filter(|row| computes(row)) {
        for level in Level::all() {
            for case in 0..6 {
                let n = if case == 0 { 300 } else { 1 + numbers.below(300) };
                let lanes = [64, 256, 128][case % 3];
                let chunk = if case < 3 { u64::MAX } else { 1 + numbers.next() % 300 };
                let way = Way { level, lanes, chunk, masked: true, ..Way::default() };
                let [in_place, masked, constants] = [case % 2 == 1, case % 3 == 2, case % 2 == 0];
                check(row, Trial { way, n, in_place, masked, constants }, &mut numbers);
            }
        }
    }
}

/// Every pair of 8-bit values, by lanes and by each uniform divisor.
#[test]
fn eight_bit_division_is_exact() {
    for (dtype, name) in [(DType::Int8, "i8"), (DType::UInt8, "u8")] {
        let all: Vec<u64> = (0..256).collect();
        let (mut dividends, mut divisors) = (Vec::new(), Vec::new());
        for b in 0..256_u64 {
            dividends.extend(&all);
            divisors.extend([b; 256]);
        }
        let columns = [Column::new(dtype, &dividends), Column::new(dtype, &divisors)];
        for op in ["floordiv", "mod", "quot", "rem"] {
            let mut outcomes = Vec::new();
            for level in Level::all() {
                let mut a = Assembler::new(&[(dtype, false), (dtype, false)], &[dtype]);
                let (x, y) = (a.v(dtype), a.v(dtype));
                a.op(&format!("input.{name}.v"), &[x, 0]);
                a.op(&format!("input.{name}.v"), &[y, 1]);
                a.op(&format!("{op}.{name}.vv"), &[x, x, y, EVERY, 0]);
                a.op(&format!("store.{name}.v"), &[x, 0, EVERY]);
                a.op("end", &[]);
                let way = Way { level, lanes: 256, masked: true, ..Way::default() };
                outcomes.push(run(&a.draft, &columns, dividends.len(), way));
            }
            let by_one = by_each_divisor(op, dtype, &all);
            for (i, (a, b)) in dividends.iter().zip(&divisors).enumerate() {
                let operands = [decode(dtype, *a), decode(dtype, *b)];
                let expected = evaluate(op, dtype, dtype, &operands).map(|value| encode(dtype, value));
                for outcome in &outcomes {
                    let got = (outcome.ok.as_ref().unwrap()[i] != 0).then(|| outcome.outputs[0][i]).ok_or(());
                    assert_eq!(got, expected, "{op} of {operands:?}");
                }
                assert_eq!(by_one[i], expected.unwrap_or(0), "{op} by one divisor, of {operands:?}");
            }
        }
    }
}

fn by_each_divisor(op: &str, dtype: DType, all: &[u64]) -> Vec<u64> {
    let name = short(dtype);
    let mut results = Vec::new();
    for divisor in 0..256 {
        let mut a = Assembler::new(&[(dtype, false)], &[dtype]);
        let (x, y) = (a.v(dtype), a.constant(dtype, divisor));
        a.op(&format!("input.{name}.v"), &[x, 0]);
        a.op(&format!("{op}.{name}.vs"), &[x, x, y, EVERY, 0]);
        a.op(&format!("store.{name}.v"), &[x, 0, EVERY]);
        a.op("end", &[]);
        let way = Way { masked: true, ..Way::default() };
        results.extend(run(&a.draft, &[Column::new(dtype, all)], all.len(), way).outputs.swap_remove(0));
    }
    results
}

/// Lanes outside of the mask stay as they were.
#[test]
fn masked_moves_keep_the_other_lanes() {
    let mut numbers = Numbers(2);
    for dtype in DType::ALL.into_iter().filter(|dtype| *dtype != DType::Object) {
        let name = short(dtype);
        for level in Level::all() {
            let n = 1 + numbers.below(200);
            let [old, new] = [(); 2].map(|()| (0..n).map(|_| numbers.next() & 1).collect::<Vec<_>>());
            let mask: Vec<u64> = (0..n).map(|_| numbers.next() & 1).collect();
            let mut a = Assembler::new(&[(dtype, false), (dtype, false), (DType::Bool, false)], &[dtype, dtype]);
            let (x, y, m, z) = (a.v(dtype), a.v(dtype), a.v(DType::Bool), a.v(dtype));
            let one = a.constant(dtype, 1);
            a.op(&format!("input.{name}.v"), &[x, 0]);
            a.op(&format!("input.{name}.v"), &[y, 1]);
            a.op("input.bool.v", &[m, 2]);
            a.op(&format!("mov.{name}.v"), &[z, x]);
            a.op(&format!("movm.{name}.v"), &[x, y, m]);
            a.op(&format!("movm.{name}.s"), &[z, one, m]);
            a.op(&format!("store.{name}.v"), &[x, 0, EVERY]);
            a.op(&format!("store.{name}.v"), &[z, 1, EVERY]);
            a.op("end", &[]);
            let columns = [Column::new(dtype, &old), Column::new(dtype, &new), Column::new(DType::Bool, &mask)];
            let outcome = run(&a.draft, &columns, n, Way { level, ..Way::default() });
            for i in 0..n {
                assert_eq!(outcome.outputs[0][i], if mask[i] != 0 { new[i] } else { old[i] });
                assert_eq!(outcome.outputs[1][i], if mask[i] != 0 { 1 } else { old[i] });
            }
        }
    }
}
