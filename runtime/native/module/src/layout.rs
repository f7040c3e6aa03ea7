//! What a module's file holds, and where in memory it goes: for `faaslet check --layout`.

use serde::Serialize;
use wasmparser::{Data, DataKind, ExternalKind, Operator};

use crate::constant;
use crate::features::validate;
use crate::format::check_format;
use crate::parsed::{Parsed, Section};
use crate::read::read;
use crate::refusal::Refusal;
use crate::types::shown;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Layout {
    pub sections: Vec<SectionLayout>,
    pub data: Vec<DataLayout>,
    /// None without a memory of its own.
    pub memory: Option<MemoryLayout>,
    /// Exported constants that linkers leave, e.g. `__heap_base`.
    pub marks: Vec<Mark>,
}

#[derive(Debug, Serialize)]
pub struct SectionLayout {
    pub id: u8,
    pub name: String,
    /// Of the contents, in the file.
    pub offset: usize,
    pub bytes: usize,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DataLayout {
    pub mode: DataMode,
    /// In memory; null for a passive segment and for an expression that needs an imported global.
    pub offset: Option<u32>,
    /// What computes the offset, in the words of the text format, unless it is a plain number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expression: Option<String>,
    pub bytes: usize,
    /// Of them, not zero.
    pub non_zero_bytes: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DataMode {
    /// In memory from the start.
    Active,
    /// Copied by code.
    Passive,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MemoryLayout {
    pub minimum_pages: u64,
    pub maximum_pages: Option<u64>,
    /// At the start.
    pub bytes: u64,
    /// Pages of 4 KiB at the start that hold something other than zeros.
    pub host_pages_used: usize,
}

#[derive(Debug, Serialize)]
pub struct Mark {
    pub name: String,
    pub value: u32,
}

/// What a module's file holds. A valid module that `inspect` would refuse can be looked at too.
pub fn layout(wasm: &[u8]) -> Result<Layout, Refusal> {
    check_format(wasm)?;
    validate(wasm)?;
    let parsed = read(wasm)?;
    let data = parsed.data.iter().map(data_layout).collect::<Result<Vec<_>, _>>()?;
    let memory = parsed.memory.map(|memory| MemoryLayout {
        minimum_pages: memory.initial,
        maximum_pages: memory.maximum,
        bytes: parsed.memory_bytes(),
        host_pages_used: host_pages_used(&parsed, &data),
    });
    Ok(Layout { sections: parsed.sections.iter().map(section).collect(), data, memory, marks: marks(&parsed) })
}

fn data_layout(segment: &Data<'_>) -> Result<DataLayout, Refusal> {
    let (mode, offset, expression) = match &segment.kind {
        DataKind::Active { offset_expr, .. } => {
            let is_number = matches!(offset_expr.get_operators_reader().read()?, Operator::I32Const { .. })
                && offset_expr.get_operators_reader().into_iter().count() == 2;
            let expression = if is_number { None } else { Some(constant::words(offset_expr)) };
            (DataMode::Active, constant::number(offset_expr)?, expression)
        }
        DataKind::Passive => (DataMode::Passive, None, None),
    };
    let non_zero_bytes = segment.data.iter().filter(|byte| **byte != 0).count();
    Ok(DataLayout { mode, offset, expression, bytes: segment.data.len(), non_zero_bytes })
}

fn host_pages_used(parsed: &Parsed<'_>, data: &[DataLayout]) -> usize {
    const HOST_PAGE: usize = 4096;
    let mut pages = std::collections::BTreeSet::new();
    for (segment, layout) in parsed.data.iter().zip(data) {
        let Some(offset) = layout.offset else { continue };
        let mut at = offset as usize;
        let mut rest = segment.data;
        while !rest.is_empty() {
            let (here, beyond) = rest.split_at(rest.len().min(HOST_PAGE - at % HOST_PAGE));
            if here.iter().any(|byte| *byte != 0) {
                pages.insert(at / HOST_PAGE);
            }
            at += here.len();
            rest = beyond;
        }
    }
    pages.len()
}

fn section(section: &Section<'_>) -> SectionLayout {
    /// By number (core specification 5.5.2).
    const NAMES: [&str; 14] = [
        "custom",
        "type",
        "import",
        "function",
        "table",
        "memory",
        "global",
        "export",
        "start",
        "element",
        "code",
        "data",
        "data count",
        "tag",
    ];
    let kind = NAMES.get(section.id as usize).copied().unwrap_or("unknown");
    let name = match section.name {
        Some(name) => format!("{kind} {}", shown(name)),
        None => kind.into(),
    };
    SectionLayout { id: section.id, name, offset: section.range.start, bytes: section.range.len() }
}

fn marks(parsed: &Parsed<'_>) -> Vec<Mark> {
    let globals = parsed.exports.iter().filter(|export| export.kind == ExternalKind::Global);
    let mark = |export: &wasmparser::Export<'_>| {
        let value = constant::number(&parsed.global(export.index)?.init_expr).ok()??;
        Some(Mark { name: shown(export.name), value })
    };
    globals.filter_map(mark).collect()
}
