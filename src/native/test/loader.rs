//! Objects put together byte by byte: those that keep to the rules run, all others are refused, whatever is in them.

use object::write::{Object, Relocation, StandardSection, Symbol, SymbolId, SymbolSection};
use object::{
    Architecture, BinaryFormat, Endianness, RelocationFlags, SectionKind, SymbolFlags, SymbolKind, SymbolScope, elf,
};
use proptest::prelude::*;

use super::*;
use crate::native::Refused;
use crate::native::object::read;

fn object() -> Object<'static> {
    Object::new(BinaryFormat::Elf, Architecture::X86_64, Endianness::Little)
}

fn function(object: &mut Object<'_>, name: &str, code: &[u8]) -> SymbolId {
    let text = object.section_id(StandardSection::Text);
    let symbol = object.add_symbol(Symbol {
        name: name.into(),
        value: 0,
        size: 0,
        kind: SymbolKind::Text,
        scope: SymbolScope::Linkage,
        weak: false,
        section: SymbolSection::Undefined,
        flags: SymbolFlags::None,
    });
    object.add_symbol_data(symbol, text, code, 16);
    symbol
}

fn relocate(
    object: &mut Object<'_>,
    section: StandardSection,
    offset: u64,
    symbol: SymbolId,
    r_type: u32,
    addend: i64,
) {
    let section = object.section_id(section);
    let flags = RelocationFlags::Elf { r_type: elf::RelocationType(r_type) };
    object.add_relocation(section, Relocation { offset, symbol, addend, flags }).unwrap();
}

/// `lea rcx, [rip + table]; mov rcx, [rcx]; mov eax, [rcx]; ret`: a constant that is found through a pointer.
const THROUGH_A_POINTER: &[u8] = &[0x48, 0x8d, 0x0d, 0, 0, 0, 0, 0x48, 0x8b, 0x09, 0x8b, 0x01, 0xc3];

/// An object whose `block` answers with the second of two constants.
fn answers(value: u32) -> Vec<u8> {
    let mut object = object();
    let _ = function(&mut object, "helper", &[0x90, 0xc3]);
    let _ = function(&mut object, "block", THROUGH_A_POINTER);
    let constants = object.section_id(StandardSection::ReadOnlyData);
    object.append_section_data(constants, &[7_u32.to_le_bytes(), value.to_le_bytes()].concat(), 8);
    let pointers = object.section_id(StandardSection::ReadOnlyDataWithRel);
    object.append_section_data(pointers, &[0; 8], 8);
    let (constants, pointers) = (object.section_symbol(constants), object.section_symbol(pointers));
    relocate(&mut object, StandardSection::ReadOnlyDataWithRel, 0, constants, 1, 4);
    relocate(&mut object, StandardSection::Text, 16 + 3, pointers, 2, -4);
    object.write().unwrap()
}

fn load(object: &[u8]) -> Result<Native, Refused> {
    let made = Made { inputs: vec![], tables: vec![], outputs: vec![DType::UInt8], width: 8, stream_from: 0 };
    // SAFETY: what these tests run touches no operand.
    unsafe { Native::load(object, made) }
}

fn run(object: &[u8]) -> Status {
    let native = load(object).unwrap();
    let mut out = [0_u8; 8];
    let batch = Batch::new(vec![], vec![View::output(&mut out)]).unwrap();
    chunks(&kernel("loaded", Arc::new(native)), &batch, &Control::default(), 8)
}

fn refusal(object: &[u8]) -> String {
    load(object).err().map(|why| why.to_string()).unwrap_or_default()
}

#[test]
#[cfg(all(unix, target_arch = "x86_64"))]
fn code_finds_its_constants() {
    assert_eq!(run(&answers(0)), Status::DONE);
    // Any answer but 0 and 1 says that the range isn't finished; nothing was faulted or stopped here.
    assert_eq!(run(&answers(2)), Status::FAULT);
}

#[test]
#[cfg(all(unix, target_arch = "x86_64"))]
fn calls_within_an_object() {
    let mut made = object();
    let zero = function(&mut made, "zero", &[0x31, 0xc0, 0xc3]);
    // call zero; ret
    function(&mut made, "block", &[0xe8, 0, 0, 0, 0, 0xc3]);
    relocate(&mut made, StandardSection::Text, 16 + 1, zero, 4, -4);
    assert_eq!(run(&made.write().unwrap()), Status::DONE);
}

#[test]
fn what_is_refused() {
    let empty = object().write().unwrap();
    assert_eq!(refusal(&empty), "object: exports no function called block");
    let mut wants = object();
    function(&mut wants, "block", &[0xe8, 0, 0, 0, 0, 0xc3]);
    let exp = wants.add_symbol(Symbol {
        name: b"exp".to_vec(),
        value: 0,
        size: 0,
        kind: SymbolKind::Text,
        scope: SymbolScope::Dynamic,
        weak: false,
        section: SymbolSection::Undefined,
        flags: SymbolFlags::None,
    });
    relocate(&mut wants, StandardSection::Text, 1, exp, 4, -4);
    assert_eq!(refusal(&wants.write().unwrap()), "object: needs exp, which is not part of it");
    let mut got = object();
    let block = function(&mut got, "block", &[0; 16]);
    relocate(&mut got, StandardSection::Text, 1, block, 9, -4);
    assert_eq!(refusal(&got.write().unwrap()), "object: a relocation of type 9");
    let mut far = object();
    let block = function(&mut far, "block", &[0; 16]);
    relocate(&mut far, StandardSection::Text, 1, block, 2, i64::MAX);
    assert_eq!(refusal(&far.write().unwrap()), "object: a relocation to a place too far away");
    let mut outside = object();
    let block = function(&mut outside, "block", &[0; 16]);
    relocate(&mut outside, StandardSection::Text, 12, block, 1, 0);
    assert_eq!(refusal(&outside.write().unwrap()), "object: a relocation at 12 of a section of 16 bytes");
    let mut data = object();
    function(&mut data, "block", &[0xc3]);
    let section = data.add_section(vec![], b".data".to_vec(), SectionKind::Data);
    data.append_section_data(section, &[1, 2, 3], 1);
    assert_eq!(refusal(&data.write().unwrap()), "object: section .data is neither code nor constants");
    let mut huge = object();
    let text = function(&mut huge, "block", &[0xc3]);
    huge.symbol_mut(text).size = 9;
    assert_eq!(refusal(&huge.write().unwrap()), "object: block is not one function of it");
    let mut twice = object();
    function(&mut twice, "block", &[0xc3]);
    function(&mut twice, "block", &[0xc3]);
    assert_eq!(refusal(&twice.write().unwrap()), "object: block is not one function of it");
    let mut other = object::write::Object::new(BinaryFormat::Elf, Architecture::Aarch64, Endianness::Little);
    function(&mut other, "block", &[0xc3]);
    assert_eq!(refusal(&other.write().unwrap()), "object: not a relocatable object of x86-64");
    for bytes in [&b""[..], b"\x7fELF", b"#!/bin/sh\n", &[0; 64]] {
        assert!(refusal(bytes).starts_with("object: "), "{bytes:?}");
    }
}

#[test]
fn truncated_objects_are_refused() {
    let whole = answers(0);
    assert!(read(&whole).is_ok());
    // The table of sections is at the end, so that nothing but the whole has it.
    for len in 0..whole.len() {
        assert!(read(&whole[..len]).is_err(), "{len} of {} bytes", whole.len());
    }
}

/// Whatever is accepted keeps to its own memory.
fn check(object: &[u8]) {
    let Ok(image) = read(object) else { return };
    assert!(image.bytes.len() <= 65 << 20 && image.bytes.len().is_multiple_of(4096));
    assert!(image.constants <= image.bytes.len() && image.constants.is_multiple_of(4096));
    assert!(image.entries[0].is_some());
    assert!(image.entries.into_iter().flatten().all(|at| at < image.constants));
    assert!(image.absolute.iter().all(|(at, target)| at + 8 <= image.bytes.len() && *target <= image.bytes.len()));
    // Mapped and unmapped, never called.
    drop(load(object));
}

#[test]
fn every_single_flipped_bit() {
    let mut object = answers(0);
    for bit in 0..object.len() * 8 {
        object[bit / 8] ^= 1 << (bit % 8);
        check(&object);
        object[bit / 8] ^= 1 << (bit % 8);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn garbage(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        check(&bytes);
    }

    #[test]
    fn overwritten_words(
        words in prop::collection::vec((any::<prop::sample::Index>(), prop_oneof![
            any::<u64>(), 0..100_u64, Just(u64::MAX), Just(1 << 63), Just(u64::from(u32::MAX)),
        ], prop_oneof![Just(1_usize), Just(2), Just(4), Just(8)]), 1..6),
    ) {
        let mut object = answers(0);
        for (at, word, size) in words {
            let at = at.index(object.len() - 8) / size * size;
            object[at..at + size].copy_from_slice(&word.to_le_bytes()[..size]);
        }
        check(&object);
    }
}
