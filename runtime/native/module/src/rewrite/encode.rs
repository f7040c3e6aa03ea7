//! Writes the rewritten module: new exports and data sections between copies of the others.

use wasm_encoder::{
    DataSection, ExportKind, ExportSection, Module, RawSection, RefType, SectionId, TableSection, TableType,
};
use wasmparser::{DataKind, ExternalKind};

use crate::meta::{MEMORY_EXPORT, ModuleMeta, START_EXPORT, function_export, table_export};
use crate::parsed::Parsed;

const CUSTOM: u8 = SectionId::Custom as u8;
const TABLE: u8 = SectionId::Table as u8;
const EXPORT: u8 = SectionId::Export as u8;
const START: u8 = SectionId::Start as u8;
const DATA: u8 = SectionId::Data as u8;
/// Sections that come after the exports.
const AFTER_EXPORTS: [u8; 5] =
    [START, SectionId::Element as u8, SectionId::DataCount as u8, SectionId::Code as u8, DATA];
/// Names make backtraces readable; nobody reads the other custom sections any more.
const KEPT: [&str; 2] = ["name", "producers"];

pub fn encode(parsed: &Parsed<'_>, meta: &ModuleMeta) -> Vec<u8> {
    let mut module = Module::new();
    let mut is_exported = false;
    for section in &parsed.sections {
        if !is_exported && (section.id == EXPORT || AFTER_EXPORTS.contains(&section.id)) {
            module.section(&exports(parsed, meta));
            is_exported = true;
        }
        match section.id {
            EXPORT | START => {}
            // Libraries bring functions that have to find a place.
            TABLE if parsed.opens_libraries() => {
                module.section(&growing_tables(parsed));
            }
            DATA => {
                module.section(&data(parsed));
            }
            CUSTOM if !section.name.is_some_and(|name| KEPT.contains(&name)) => {}
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
    let mutable = (0u32..).zip(&parsed.globals).filter(|(_, global)| global.ty.mutable);
    let imported = parsed.imported_globals() as u32;
    for ((index, _), global) in mutable.zip(&meta.mutable_globals) {
        section.export(&global.export, ExportKind::Global, imported + index);
    }
    // All of them: a function that chains to another by its place in a table needs it, whether code writes to it or not.
    for (number, _) in (0u32..).zip(&parsed.tables) {
        section.export(&table_export(number as usize), ExportKind::Table, number);
    }
    for &function in &meta.escaping {
        section.export(&function_export(function), ExportKind::Func, function);
    }
    section
}

fn growing_tables(parsed: &Parsed<'_>) -> TableSection {
    let mut section = TableSection::new();
    for table in &parsed.tables {
        section.table(TableType {
            element_type: RefType::FUNCREF,
            table64: false,
            minimum: table.ty.initial,
            maximum: None,
            shared: false,
        });
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
