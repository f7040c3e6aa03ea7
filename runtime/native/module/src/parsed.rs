//! A module taken apart once, for everybody else in here. Reads structure only; whether it validates is another question.

use std::ops::Range;

use wasmparser::{
    Data, DataKind, Element, Export, FuncType, Global, GlobalType, Import, MemoryType, Parser, Payload, Table, TypeRef,
};

use crate::limits::{Excess, Limits};
use crate::refusal::Refusal;
use crate::scan::{CodeScan, scan_function};
use crate::types::shown;

/// One section of the file.
pub struct Section<'a> {
    pub id: u8,
    pub bytes: &'a [u8],
    /// Of the contents, in the file.
    pub range: Range<usize>,
    /// Of a custom section.
    pub name: Option<&'a str>,
}

#[derive(Default)]
pub struct Parsed<'a> {
    pub sections: Vec<Section<'a>>,
    pub types: Vec<FuncType>,
    pub imports: Vec<Import<'a>>,
    /// Type index of every function, imported ones first.
    pub functions: Vec<u32>,
    pub tables: Vec<Table<'a>>,
    pub memories: Vec<MemoryType>,
    pub globals: Vec<Global<'a>>,
    pub exports: Vec<Export<'a>>,
    pub start: Option<u32>,
    pub elements: Vec<Element<'a>>,
    pub data: Vec<Data<'a>>,
    pub code: CodeScan,
    pub code_bytes: usize,
    pub producers: Vec<String>,
}

/// Longest producer that is reported, and how many.
const PRODUCER_MAX: usize = 100;
const PRODUCERS_MAX: usize = 20;

impl<'a> Parsed<'a> {
    /// Takes a module apart. Stops at the first count that is over its limit: what follows would cost.
    pub fn read(wasm: &'a [u8], limits: Option<&Limits>) -> Result<Self, Refusal> {
        let mut parsed = Self::default();
        for payload in Parser::new(0).parse_all(wasm) {
            let payload = payload?;
            if let Some((id, range)) = payload.as_section() {
                let bytes =
                    wasm.get(range.clone()).ok_or_else(|| Refusal::invalid("a section ends beyond the file"))?;
                let name = match &payload {
                    Payload::CustomSection(custom) => Some(custom.name()),
                    _ => None,
                };
                parsed.sections.push(Section { id, bytes, range, name });
            }
            if let Some(limits) = limits {
                check_count(&payload, limits)?;
            }
            parsed.take(wasm, payload, limits)?;
        }
        Ok(parsed)
    }

    fn take(&mut self, wasm: &'a [u8], payload: Payload<'a>, limits: Option<&Limits>) -> Result<(), Refusal> {
        match payload {
            Payload::TypeSection(reader) => {
                for kind in reader.into_iter_err_on_gc_types() {
                    match kind {
                        Ok(kind) => self.types.push(kind),
                        // Which proposal it needs is for the validation to say.
                        Err(_) => return Err(crate::features::refusal(wasm)),
                    }
                }
            }
            Payload::ImportSection(reader) => {
                for import in reader.into_imports() {
                    let import = import?;
                    check_name(import.module, limits)?;
                    check_name(import.name, limits)?;
                    if let TypeRef::Func(kind) | TypeRef::FuncExact(kind) = import.ty {
                        self.functions.push(kind);
                    }
                    self.imports.push(import);
                }
            }
            Payload::FunctionSection(reader) => {
                for kind in reader {
                    self.functions.push(kind?);
                }
            }
            Payload::TableSection(reader) => self.tables = reader.into_iter().collect::<Result<_, _>>()?,
            Payload::MemorySection(reader) => self.memories = reader.into_iter().collect::<Result<_, _>>()?,
            Payload::GlobalSection(reader) => self.globals = reader.into_iter().collect::<Result<_, _>>()?,
            Payload::ExportSection(reader) => {
                for export in reader {
                    let export = export?;
                    check_name(export.name, limits)?;
                    self.exports.push(export);
                }
            }
            Payload::StartSection { func, .. } => self.start = Some(func),
            Payload::ElementSection(reader) => self.elements = reader.into_iter().collect::<Result<_, _>>()?,
            Payload::DataSection(reader) => self.data = reader.into_iter().collect::<Result<_, _>>()?,
            Payload::CodeSectionStart { range, .. } => self.code_bytes = range.len(),
            Payload::CodeSectionEntry(body) => scan_function(wasm, &body, limits, &mut self.code)?,
            Payload::CustomSection(custom) => {
                if let wasmparser::KnownCustom::Producers(fields) = custom.as_known() {
                    self.producers = producers(fields);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The type of a function by its index.
    pub fn function_type(&self, index: u32) -> Result<&FuncType, Refusal> {
        let kind = self.functions.get(index as usize).and_then(|&kind| self.types.get(kind as usize));
        kind.ok_or_else(|| Refusal::invalid(format!("function {index} is out of range")))
    }

    pub fn memory(&self) -> Option<&MemoryType> {
        self.memories.first()
    }

    /// Bytes of memory at the start.
    pub fn memory_bytes(&self) -> u64 {
        self.memory().map_or(0, |memory| memory.initial.saturating_mul(65_536))
    }

    pub fn data_bytes(&self) -> u64 {
        self.data.iter().map(|segment| segment.data.len() as u64).sum()
    }

    pub fn global_type(&self, index: u32) -> Option<GlobalType> {
        self.globals.get(index as usize).map(|global| global.ty)
    }

    pub fn passive_data(&self) -> usize {
        self.data.iter().filter(|segment| matches!(segment.kind, DataKind::Passive)).count()
    }
}

/// Counts stand at the head of each section: what is too much is refused before it is read.
fn check_count(payload: &Payload<'_>, limits: &Limits) -> Result<(), Refusal> {
    let mut excess = Excess::default();
    match payload {
        Payload::TypeSection(reader) => excess.check("types", reader.count().into(), limits.types_max),
        Payload::ImportSection(reader) => excess.check("imports", reader.count().into(), limits.imports_max),
        Payload::FunctionSection(reader) => excess.check("functions", reader.count().into(), limits.functions_max),
        Payload::TableSection(reader) => excess.check("tables", reader.count().into(), limits.tables_max),
        Payload::GlobalSection(reader) => excess.check("globals", reader.count().into(), limits.globals_max),
        Payload::ExportSection(reader) => excess.check("exports", reader.count().into(), limits.exports_max),
        Payload::ElementSection(reader) => {
            excess.check("element segments", reader.count().into(), limits.element_segments_max)
        }
        Payload::DataSection(reader) => excess.check("data segments", reader.count().into(), limits.data_segments_max),
        Payload::MemorySection(reader) if reader.count() > 1 => {
            return Err(Refusal::new(
                "ERR_MODULE_FEATURE",
                format!("the module has {} memories (multi-memory)", reader.count()),
            ));
        }
        Payload::CodeSectionEntry(body) => {
            excess.check("bytes of a function", body.range().len() as u64, limits.function_bytes_max)
        }
        Payload::CustomSection(custom) => {
            let what = format!("bytes of the custom section {:?}", shown(custom.name()));
            excess.check(&what, custom.data().len() as u64, limits.custom_section_bytes_max)
        }
        _ => true,
    };
    Refusal::unless_empty("ERR_MODULE_LIMIT", excess.problems())
}

fn check_name(name: &str, limits: Option<&Limits>) -> Result<(), Refusal> {
    let mut excess = Excess::default();
    if let Some(limits) = limits {
        excess.check("bytes of a name", name.len() as u64, limits.name_bytes_max);
    }
    Refusal::unless_empty("ERR_MODULE_LIMIT", excess.problems())
}

/// Who made the file, as it says itself; a custom section proves nothing and may be malformed.
fn producers(fields: wasmparser::ProducersSectionReader<'_>) -> Vec<String> {
    let mut all = Vec::new();
    for field in fields.into_iter().flatten() {
        for value in field.values.into_iter().flatten() {
            let text = if value.version.is_empty() {
                value.name.to_owned()
            } else {
                format!("{} {}", value.name, value.version)
            };
            if all.len() < PRODUCERS_MAX {
                all.push(text.chars().filter(|c| !c.is_control()).take(PRODUCER_MAX).collect());
            }
        }
    }
    all
}
