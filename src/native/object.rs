//! Reads relocatable x86-64 ELF objects: code and constants laid out side by side, and what is to be patched in them.
//!
//! Nothing here trusts the object: every size, place and target is checked, and what isn't understood is refused. What
//! the instructions do can't be checked; who hands an object over answers for that (`Native::load`).

use std::fmt;

use object::elf::{self, FileHeader64};
use object::endian::LittleEndian;
use object::read::SectionIndex;
use object::read::elf::{FileHeader, Rela, SectionHeader, SectionTable, Sym, SymbolTable};

/// Bytes of a page: code and constants begin at pages of their own, to be protected differently.
pub(super) const PAGE: usize = 4096;
/// Most bytes of code and constants together.
const MOST: usize = 64 << 20;
/// The functions that an object may export.
pub(super) const EXPORTS: [&str; 3] = ["block", "refill", "stream"];

type Header = FileHeader64<LittleEndian>;
const LE: LittleEndian = LittleEndian;

/// Why an object can't be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused(pub(super) String);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "object: {}", self.0)
    }
}

impl std::error::Error for Refused {}

pub(super) type Result<T> = std::result::Result<T, Refused>;

fn refuse<T>(why: impl Into<String>) -> Result<T> {
    Err(Refused(why.into()))
}

fn malformed(error: object::read::Error) -> Refused {
    Refused(error.to_string())
}

/// What is to be mapped.
#[derive(Debug)]
pub(super) struct Image {
    /// Code, then from `constants` on constants; patched, but for `absolute`.
    pub(super) bytes: Vec<u8>,
    /// Where the constants begin, a multiple of [`PAGE`].
    pub(super) constants: usize,
    /// Places of 8 bytes that hold the address of another place.
    pub(super) absolute: Vec<(usize, usize)>,
    /// Where the functions of [`EXPORTS`] begin.
    pub(super) entries: [Option<usize>; EXPORTS.len()],
}

/// A section that is mapped.
#[derive(Debug, Clone, Copy)]
struct Placed {
    at: usize,
    len: usize,
    code: bool,
}

/// Reads an object.
pub(super) fn read(data: &[u8]) -> Result<Image> {
    let header = Header::parse(data).map_err(malformed)?;
    header.endian().map_err(malformed)?;
    if header.e_machine(LE) != elf::EM_X86_64 || header.e_type(LE) != elf::ET_REL {
        return refuse("not a relocatable object of x86-64");
    }
    let sections = header.sections(LE, data).map_err(malformed)?;
    let symbols = sections.symbols(LE, data, elf::SHT_SYMTAB).map_err(malformed)?;
    let (mut image, placed) = place(data, &sections)?;
    let reader = Reader { data, sections: &sections, symbols: &symbols, placed: &placed };
    reader.relocate(&mut image)?;
    reader.exports(&mut image)?;
    Ok(image)
}

/// Lays out the sections that are needed at run time: code first, then constants.
fn place(data: &[u8], sections: &SectionTable<'_, Header>) -> Result<(Image, Vec<Option<Placed>>)> {
    let mut placed = vec![None; sections.len()];
    let mut bytes = Vec::new();
    let mut constants = 0;
    for code in [true, false] {
        for (index, section) in sections.enumerate() {
            if kind(sections, section)? != Some(code) {
                continue;
            }
            let content = section.data(LE, data).map_err(malformed)?;
            let align = usize::try_from(section.sh_addralign(LE)).unwrap_or(usize::MAX).max(1);
            if !align.is_power_of_two() || align > PAGE {
                return refuse(format!("a section is to be aligned by {align} bytes"));
            }
            let at = bytes.len().next_multiple_of(align);
            if at + content.len() > MOST {
                return refuse(format!("more than {MOST} bytes of code"));
            }
            bytes.resize(at, 0);
            bytes.extend_from_slice(content);
            placed[index.0] = Some(Placed { at, len: content.len(), code });
        }
        bytes.resize(bytes.len().next_multiple_of(PAGE), 0);
        if code {
            constants = bytes.len();
        }
    }
    Ok((Image { bytes, constants, absolute: Vec::new(), entries: [None; EXPORTS.len()] }, placed))
}

/// Whether a section holds code (`true`) or constants; `None` for what isn't needed at run time.
fn kind(sections: &SectionTable<'_, Header>, section: &<Header as FileHeader>::SectionHeader) -> Result<Option<bool>> {
    let flags = section.sh_flags(LE).0;
    let has = |flag: elf::SectionFlags| flags & flag.0 != 0;
    let name = sections.section_name(LE, section).map_err(malformed)?;
    // Unwinding tables: nothing unwinds through machine code.
    let unneeded = section.sh_type(LE) == elf::SHT_NOTE || name == b".eh_frame";
    if !has(elf::SHF_ALLOC) || section.sh_size(LE) == 0 || unneeded {
        return Ok(None);
    }
    let relocated_constants = name.starts_with(b".data.rel.ro");
    let code = has(elf::SHF_EXECINSTR);
    let fixed = !has(elf::SHF_WRITE) || relocated_constants && !code;
    let plain = section.sh_type(LE) == elf::SHT_PROGBITS && !has(elf::SHF_TLS) && !has(elf::SHF_COMPRESSED);
    if fixed && plain {
        return Ok(Some(code));
    }
    refuse(format!("section {} is neither code nor constants", String::from_utf8_lossy(name)))
}

struct Reader<'a> {
    data: &'a [u8],
    sections: &'a SectionTable<'a, Header>,
    symbols: &'a SymbolTable<'a, Header>,
    placed: &'a [Option<Placed>],
}

impl Reader<'_> {
    fn placed(&self, index: SectionIndex) -> Option<Placed> {
        self.placed.get(index.0).copied().flatten()
    }

    /// Applies the relocations of the mapped sections.
    fn relocate(&self, image: &mut Image) -> Result<()> {
        for section in self.sections.iter() {
            let Some(target) = self.placed(section.info_link(LE)) else { continue };
            match section.sh_type(LE) {
                elf::SHT_RELA => {}
                elf::SHT_REL | elf::SHT_RELR | elf::SHT_CREL => {
                    return refuse("relocations of a kind that x86-64 has not");
                }
                _ => continue,
            }
            let Some((rows, symbols)) = section.rela(LE, self.data).map_err(malformed)? else { continue };
            if symbols != self.symbols.section() {
                return refuse("relocations against another table of symbols");
            }
            for row in rows {
                self.patch(image, target, row)?;
            }
        }
        Ok(())
    }

    fn patch(&self, image: &mut Image, section: Placed, row: &<Header as FileHeader>::Rela) -> Result<()> {
        let r_type = row.r_type(LE, false);
        let bytes = match r_type {
            elf::R_X86_64_PC32 | elf::R_X86_64_PLT32 => 4,
            elf::R_X86_64_64 => 8,
            other => return refuse(format!("a relocation of type {}", other.0)),
        };
        let offset = usize::try_from(row.r_offset(LE)).unwrap_or(usize::MAX);
        if offset.checked_add(bytes).is_none_or(|end| end > section.len) {
            return refuse(format!("a relocation at {offset} of a section of {} bytes", section.len));
        }
        let at = section.at + offset;
        // Both are at most MOST; the addend may be anything.
        let target = (self.symbol(row)? as i64).checked_add(row.r_addend(LE));
        if bytes == 8 {
            match target.and_then(|target| usize::try_from(target).ok()).filter(|target| *target <= image.bytes.len()) {
                Some(target) => image.absolute.push((at, target)),
                None => return refuse("an address outside of the object"),
            }
            return Ok(());
        }
        let Some(distance) = target.and_then(|target| i32::try_from(target - at as i64).ok()) else {
            return refuse("a relocation to a place too far away");
        };
        image.bytes[at..at + 4].copy_from_slice(&distance.to_le_bytes());
        Ok(())
    }

    /// The place of the symbol that a relocation is against.
    fn symbol(&self, row: &<Header as FileHeader>::Rela) -> Result<usize> {
        let Some(index) = row.symbol(LE, false) else { return refuse("a relocation without a symbol") };
        let symbol = self.symbols.symbol(index).map_err(malformed)?;
        let name = || String::from_utf8_lossy(symbol.name(LE, self.symbols.strings()).unwrap_or(b"?")).into_owned();
        if symbol.is_undefined(LE) {
            return refuse(format!("needs {}, which is not part of it", name()));
        }
        let section = symbol.st_shndx(LE).index().and_then(|index| self.placed(SectionIndex(index.into())));
        let dynamic = matches!(symbol.st_type(), elf::STT_TLS | elf::STT_GNU_IFUNC);
        let value = usize::try_from(symbol.st_value(LE)).unwrap_or(usize::MAX);
        match section.filter(|section| !dynamic && value <= section.len) {
            Some(section) => Ok(section.at + value),
            None => refuse(format!("symbol {} is neither code nor a constant of it", name())),
        }
    }

    /// Finds the exported functions.
    fn exports(&self, image: &mut Image) -> Result<()> {
        for symbol in self.symbols.iter().filter(|symbol| symbol.st_type() == elf::STT_FUNC) {
            let name = symbol.name(LE, self.symbols.strings()).map_err(malformed)?;
            let Some(number) = EXPORTS.iter().position(|export| export.as_bytes() == name) else { continue };
            let section = symbol.st_shndx(LE).index().and_then(|index| self.placed(SectionIndex(index.into())));
            let (value, size) = (symbol.st_value(LE), symbol.st_size(LE));
            let within = |section: &Placed| {
                section.code && size > 0 && value.checked_add(size).is_some_and(|end| end <= section.len as u64)
            };
            match section.filter(within) {
                Some(section) if image.entries[number].is_none() => {
                    image.entries[number] = Some(section.at + value as usize);
                }
                _ => return refuse(format!("{} is not one function of it", EXPORTS[number])),
            }
        }
        match image.entries[0] {
            Some(_) => Ok(()),
            None => refuse("exports no function called block"),
        }
    }
}
