//! From an inspected module to one whose memory, globals and tables the runtime can set, keep and restore.
//!
//! Active data segments become passive, empty ones: their indices keep their meaning, and an active segment counts as
//! dropped after instantiation anyway. Their bytes are the image that a Faaslet's memory starts from. The start function is
//! taken out and exported. Everything that is not one of these sections is copied byte for byte.

use wasm_encoder::{DataSection, ExportKind, ExportSection, Module, RawSection};
use wasmparser::{DataKind, ElementItems, ElementKind, ExternalKind};

use crate::constant::Constants;
use crate::meta::{
    GlobalExport, MEMORY_EXPORT, MemoryShape, ModuleMeta, Piece, START_EXPORT, TableShape, function_export,
    global_export, table_export,
};
use crate::parsed::Parsed;
use crate::refusal::Refusal;

/// A module that the runtime can start, and how.
pub struct Rewritten {
    pub wasm: Vec<u8>,
    pub meta: ModuleMeta,
}

/// Rewrites a module that `inspect` accepted; another one is refused or comes out as invalid as it was.
pub fn rewrite(wasm: &[u8]) -> Result<Rewritten, Refusal> {
    let parsed = Parsed::read(wasm, None)?;
    let constants = Constants::of(&parsed)?;
    let mut meta = ModuleMeta {
        memory: parsed
            .memory()
            .map(|memory| MemoryShape { minimum_pages: memory.initial, maximum_pages: memory.maximum }),
        start_export: parsed.start.map(|_| START_EXPORT.to_owned()),
        restore_each_call: parsed.code.drops_segments || parsed.code.writes_tables,
        ..ModuleMeta::default()
    };
    for (global, index) in parsed.globals.iter().zip(0..) {
        if global.ty.mutable {
            let kind = global.ty.content_type.to_string();
            meta.mutable_globals.push(GlobalExport { export: global_export(index), kind });
        }
    }
    take_data(&parsed, &constants, &mut meta)?;
    let tables = initial_tables(&parsed, &constants)?;
    if parsed.code.writes_tables {
        meta.escaping = escaping(&parsed, &constants)?;
        meta.tables = parsed
            .tables
            .iter()
            .enumerate()
            .map(|(index, table)| table_shape(index, &table.ty))
            .collect::<Result<_, _>>()?;
        meta.initial_tables = tables;
    }
    Ok(Rewritten { wasm: encode(&parsed, &meta), meta })
}

/// Moves the bytes of active segments into the image.
fn take_data(parsed: &Parsed<'_>, constants: &Constants, meta: &mut ModuleMeta) -> Result<(), Refusal> {
    for (segment, index) in parsed.data.iter().zip(0u32..) {
        let DataKind::Active { offset_expr, .. } = &segment.kind else { continue };
        let offset = u64::from(constants.offset(offset_expr)?);
        if offset + segment.data.len() as u64 > parsed.memory_bytes() {
            return Err(Refusal::invalid(format!("data segment {index} lies outside the memory at its start")));
        }
        if !segment.data.is_empty() {
            meta.image.push(Piece { offset, start: meta.image_bytes.len(), length: segment.data.len() });
            meta.image_bytes.extend_from_slice(segment.data);
        }
    }
    Ok(())
}

/// The tables after instantiation. Also finds segments that lie outside, which would trap at each start.
fn initial_tables(parsed: &Parsed<'_>, constants: &Constants) -> Result<Vec<Vec<Option<u32>>>, Refusal> {
    let length = |table: &wasmparser::Table<'_>| usize::try_from(table.ty.initial).map_err(Refusal::invalid);
    let mut tables = Vec::new();
    for table in &parsed.tables {
        tables.push(vec![None; length(table)?]);
    }
    for (segment, index) in parsed.elements.iter().zip(0u32..) {
        let ElementKind::Active { table_index, offset_expr } = &segment.kind else { continue };
        let offset = constants.offset(offset_expr)? as usize;
        let items = items(constants, &segment.items)?;
        let table = tables.get_mut(table_index.unwrap_or(0) as usize);
        let entries = table.and_then(|table| table.get_mut(offset..offset.checked_add(items.len())?));
        let outside = || Refusal::invalid(format!("element segment {index} lies outside its table at the start"));
        entries.ok_or_else(outside)?.copy_from_slice(&items);
    }
    Ok(tables)
}

fn items(constants: &Constants, items: &ElementItems<'_>) -> Result<Vec<Option<u32>>, Refusal> {
    match items {
        ElementItems::Functions(functions) => functions.clone().into_iter().map(|index| Ok(Some(index?))).collect(),
        ElementItems::Expressions(_, expressions) => {
            expressions.clone().into_iter().map(|expression| constants.function(&expression?)).collect()
        }
    }
}

/// Every function that an entry of a table may ever be: those in segments, and those that code or a global refers to.
fn escaping(parsed: &Parsed<'_>, constants: &Constants) -> Result<Vec<u32>, Refusal> {
    let mut all = parsed.code.referenced.clone();
    for segment in &parsed.elements {
        all.extend(items(constants, &segment.items)?.into_iter().flatten());
    }
    for global in &parsed.globals {
        all.extend(constants.function(&global.init_expr)?);
    }
    Ok(all.into_iter().collect())
}

fn table_shape(index: usize, table: &wasmparser::TableType) -> Result<TableShape, Refusal> {
    let minimum = u32::try_from(table.initial).map_err(Refusal::invalid)?;
    Ok(TableShape { export: table_export(index), minimum, maximum: table.maximum })
}

/// Section numbers (core specification 5.5.2).
const CUSTOM: u8 = 0;
const EXPORT: u8 = 7;
const START: u8 = 8;
const DATA: u8 = 11;
/// Sections that come after the exports.
const AFTER_EXPORTS: [u8; 5] = [START, 9, 12, 10, DATA];

fn encode(parsed: &Parsed<'_>, meta: &ModuleMeta) -> Vec<u8> {
    let mut module = Module::new();
    let mut is_exported = false;
    for section in &parsed.sections {
        if !is_exported && AFTER_EXPORTS.contains(&section.id) {
            module.section(&exports(parsed, meta));
            is_exported = true;
        }
        match section.id {
            EXPORT => {
                module.section(&exports(parsed, meta));
                is_exported = true;
            }
            START => {}
            DATA => {
                module.section(&data(parsed));
            }
            // Names make backtraces readable; nobody reads the other custom sections any more.
            CUSTOM if !matches!(section.name, Some("name" | "producers")) => {}
            id => {
                module.section(&RawSection { id, data: section.bytes });
            }
        }
    }
    if !is_exported {
        module.section(&exports(parsed, meta));
    }
    module.finish()
}

fn exports(parsed: &Parsed<'_>, meta: &ModuleMeta) -> ExportSection {
    let mut section = ExportSection::new();
    for export in &parsed.exports {
        let kind = match export.kind {
            ExternalKind::Func | ExternalKind::FuncExact => ExportKind::Func,
            ExternalKind::Table => ExportKind::Table,
            ExternalKind::Memory => ExportKind::Memory,
            ExternalKind::Global => ExportKind::Global,
            ExternalKind::Tag => ExportKind::Tag,
        };
        section.export(export.name, kind, export.index);
    }
    if meta.memory.is_some() {
        section.export(MEMORY_EXPORT, ExportKind::Memory, 0);
    }
    if let Some(start) = parsed.start {
        section.export(START_EXPORT, ExportKind::Func, start);
    }
    for (global, index) in parsed.globals.iter().zip(0..) {
        if global.ty.mutable {
            section.export(&global_export(index), ExportKind::Global, index);
        }
    }
    for (table, index) in meta.tables.iter().zip(0..) {
        section.export(&table.export, ExportKind::Table, index);
    }
    for &index in &meta.escaping {
        section.export(&function_export(index), ExportKind::Func, index);
    }
    section
}

fn data(parsed: &Parsed<'_>) -> DataSection {
    let mut section = DataSection::new();
    for segment in &parsed.data {
        match segment.kind {
            DataKind::Active { .. } => section.passive([]),
            DataKind::Passive => section.passive(segment.data.iter().copied()),
        };
    }
    section
}
