//! Takes a module apart and counts while it does. What is over its limit is not read, so that a bomb costs no more than an
//! honest module of its size; the rest is read on, so that everything that is too much is named at once.

use wasmparser::{
    CompositeInnerType, CompositeType, CustomSectionReader, FromReader, FunctionBody, Imports, KnownCustom, MemoryType,
    Parser, Payload, SectionLimited, TypeRef, TypeSectionReader,
};

use crate::features::refused;
use crate::limits::{Excess, Limits};
use crate::operands::Operands;
use crate::parsed::{Parsed, Section};
use crate::producers::producers;
use crate::refusal::Refusal;
use crate::scan::{Counter, count_function, scan_function};

/// Reads a module that was inspected before, or that nobody will run.
pub fn read(wasm: &[u8]) -> Result<Parsed<'_>, Refusal> {
    Reader::new(wasm, None).read()
}

/// Reads a module of unknown origin.
pub fn read_within<'a>(wasm: &'a [u8], limits: &'a Limits) -> Result<Parsed<'a>, Refusal> {
    Reader::new(wasm, Some(limits)).read()
}

struct Reader<'a> {
    wasm: &'a [u8],
    limits: Option<&'a Limits>,
    parsed: Parsed<'a>,
    excess: Excess,
    counter: Option<Counter<'a>>,
    custom_sections: u64,
    custom_bytes: u64,
}

impl<'a> Reader<'a> {
    fn new(wasm: &'a [u8], limits: Option<&'a Limits>) -> Self {
        let (parsed, excess) = Default::default();
        Self { wasm, limits, parsed, excess, counter: None, custom_sections: 0, custom_bytes: 0 }
    }

    fn read(mut self) -> Result<Parsed<'a>, Refusal> {
        let mut outcome = Ok(());
        for payload in Parser::new(0).parse_all(self.wasm) {
            outcome = payload.map_err(Refusal::from).and_then(|payload| self.take(payload));
            if outcome.is_err() {
                break;
            }
        }
        // What is too much may be the reason why the rest cannot be read.
        self.excess.refusal()?;
        outcome.map(|()| self.parsed)
    }

    fn take(&mut self, payload: Payload<'a>) -> Result<(), Refusal> {
        if let Some((id, range)) = payload.as_section() {
            // A file that ends early is refused by the parser, with the place.
            let bytes = self.wasm.get(range.start..range.end.min(self.wasm.len())).unwrap_or_default();
            let name = match &payload {
                Payload::CustomSection(custom) => Some(custom.name()),
                _ => None,
            };
            self.parsed.sections.push(Section { id, bytes, range, name });
        }
        match payload {
            Payload::TypeSection(reader) => self.types(reader)?,
            Payload::ImportSection(reader) => self.imports(reader)?,
            Payload::FunctionSection(reader) => {
                let own = self.all(reader, "functions", |limits| limits.functions_max)?;
                self.parsed.functions.extend(own);
            }
            Payload::TableSection(reader) => {
                self.parsed.tables = self.all(reader, "tables", |limits| limits.tables_max)?;
                let entries = self.parsed.tables.iter().map(|table| table.ty.initial).fold(0, u64::saturating_add);
                self.check(entries, |limits| limits.table_elements_max, || "table entries at the start".into());
            }
            Payload::MemorySection(reader) => self.memory(reader)?,
            Payload::GlobalSection(reader) => {
                self.parsed.globals = self.all(reader, "globals", |limits| limits.globals_max)?;
            }
            Payload::ExportSection(reader) => {
                self.parsed.exports = self.all(reader, "exports", |limits| limits.exports_max)?;
                let lengths = || self.parsed.exports.iter().map(|export| export.name.len() as u64);
                let (longest, all) = (lengths().max().unwrap_or(0), lengths().sum());
                self.check(longest, |limits| limits.name_bytes_max, || "bytes of an export's name".into());
                self.check(all, |limits| limits.export_name_bytes_max, || "bytes of all exports' names".into());
            }
            Payload::StartSection { func, .. } => self.parsed.start = Some(func),
            Payload::ElementSection(reader) => {
                self.parsed.elements = self.all(reader, "element segments", |limits| limits.element_segments_max)?;
            }
            Payload::DataSection(reader) => {
                self.parsed.data = self.all(reader, "data segments", |limits| limits.data_segments_max)?;
            }
            Payload::CodeSectionStart { range, .. } => {
                self.parsed.code_bytes = range.len();
                let Parsed { types, functions, imports, code, .. } = &mut self.parsed;
                code.referenced = vec![false; functions.len()];
                let imported = imports.iter().filter(|import| matches!(import.ty, TypeRef::Func(_))).count();
                self.counter =
                    self.limits.map(|limits| Counter::new(limits, Operands::of(types, functions), imported as u32));
            }
            Payload::CodeSectionEntry(body) => self.code(&body)?,
            Payload::CustomSection(custom) => self.custom(&custom)?,
            Payload::End(_) => {
                if let Some(counter) = &self.counter {
                    counter.check_operands(&mut self.excess);
                }
                let bytes = self.custom_bytes;
                self.check(bytes, |limits| limits.custom_section_bytes_max, || "bytes of custom sections".into());
            }
            _ => {}
        }
        Ok(())
    }

    fn types(&mut self, reader: TypeSectionReader<'a>) -> Result<(), Refusal> {
        for group in self.all(reader, "types", |limits| limits.types_max)? {
            let mut types = group.into_types();
            let (Some(kind), None) = (types.next(), types.next()) else { return Err(refused("garbage collection")) };
            let CompositeType { inner, shared, descriptor_idx, describes_idx } = kind.composite_type;
            match inner {
                _ if shared => return Err(refused("shared-everything threads")),
                _ if descriptor_idx.is_some() || describes_idx.is_some() => return Err(refused("custom descriptors")),
                CompositeInnerType::Func(function) if kind.is_final && kind.supertype_idx.is_none() => {
                    self.parsed.types.push(function);
                }
                CompositeInnerType::Cont(_) => return Err(refused("stack switching")),
                _ => return Err(refused("garbage collection")),
            }
        }
        Ok(())
    }

    fn imports(&mut self, reader: SectionLimited<'a, Imports<'a>>) -> Result<(), Refusal> {
        for imports in self.all(reader, "imports", |limits| limits.imports_max)? {
            // A group may hold any number of imports: the count above does not bound them.
            let Imports::Single(_, import) = imports else { return Err(refused("compact import sections")) };
            let length = import.module.len().max(import.name.len()) as u64;
            self.check(length, |limits| limits.name_bytes_max, || "bytes of an import's name".into());
            if let TypeRef::Func(kind) | TypeRef::FuncExact(kind) = import.ty {
                self.parsed.functions.push(kind);
            }
            self.parsed.imports.push(import);
        }
        Ok(())
    }

    fn memory(&mut self, reader: SectionLimited<'a, MemoryType>) -> Result<(), Refusal> {
        if reader.count() > 1 {
            return Err(refused("multi-memory"));
        }
        self.parsed.memory = reader.into_iter().next().transpose()?;
        let pages = self.parsed.memory.map_or(0, |memory| memory.initial);
        self.check(pages, |limits| limits.memory_pages_max, || "memory pages of 64 KiB at the start".into());
        Ok(())
    }

    fn code(&mut self, body: &FunctionBody<'a>) -> Result<(), Refusal> {
        let number = self.parsed.code.functions;
        let what = || format!("bytes of function body {number}");
        if self.check(body.range().len() as u64, |limits| limits.function_bytes_max, what) {
            let code = &mut self.parsed.code;
            match &mut self.counter {
                Some(counter) => count_function(self.wasm, body, code, counter, &mut self.excess)?,
                None => scan_function(self.wasm, body, code)?,
            }
        }
        self.parsed.code.functions += 1;
        Ok(())
    }

    fn custom(&mut self, section: &CustomSectionReader<'a>) -> Result<(), Refusal> {
        self.custom_sections += 1;
        self.custom_bytes += section.data().len() as u64;
        if let KnownCustom::Producers(fields) = section.as_known() {
            self.parsed.producers = producers(fields);
        }
        let count = self.custom_sections;
        if self.check(count, |limits| limits.custom_sections_max, || "custom sections".into()) {
            return Ok(());
        }
        // Millions of empty ones fit a file; nothing good comes of reading on.
        Err(Refusal::new("ERR_MODULE_LIMIT", "too many custom sections"))
    }

    /// What a section lists; nothing when it is too much. The count stands at its head.
    fn all<T: FromReader<'a>>(
        &mut self,
        section: SectionLimited<'a, T>,
        what: &str,
        max: fn(&Limits) -> u64,
    ) -> Result<Vec<T>, Refusal> {
        if self.fits(&section, what, max) { Ok(section.into_iter().collect::<Result<_, _>>()?) } else { Ok(Vec::new()) }
    }

    fn fits<T>(&mut self, section: &SectionLimited<'a, T>, what: &str, max: fn(&Limits) -> u64) -> bool {
        self.check(section.count().into(), max, || what.into())
    }

    fn check(&mut self, count: u64, max: fn(&Limits) -> u64, what: impl FnOnce() -> String) -> bool {
        self.limits.is_none_or(|limits| self.excess.check(count, max(limits), what))
    }
}
