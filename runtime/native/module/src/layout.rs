//! What a module's file holds, and where in memory it goes: for `faaslet check --layout`.

use serde::Serialize;
use wasmparser::{DataKind, ExternalKind, Operator};

use crate::constant::Constants;
use crate::features::validate;
use crate::format::check_format;
use crate::parsed::{Parsed, Section};
use crate::refusal::Refusal;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Layout {
    pub sections: Vec<SectionLayout>,
    pub data: Vec<DataLayout>,
    /// Bytes of memory at the start; null without a memory.
    pub memory_bytes: Option<u64>,
    /// Pages of 4 KiB at the start that hold something.
    pub pages_used: usize,
    /// Exported constants that linkers leave, e.g. `__heap_base`.
    pub marks: Vec<Mark>,
}

#[derive(Debug, Serialize)]
pub struct SectionLayout {
    pub name: String,
    /// In the file.
    pub offset: usize,
    pub bytes: usize,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DataLayout {
    /// In memory; null for a passive segment.
    pub offset: Option<u32>,
    pub bytes: usize,
    /// Of them, not zero.
    pub non_zero_bytes: usize,
}

#[derive(Debug, Serialize)]
pub struct Mark {
    pub name: String,
    pub value: i32,
}

/// What a valid module's file holds.
pub fn layout(wasm: &[u8]) -> Result<Layout, Refusal> {
    const PAGE: usize = 4096;
    check_format(wasm)?;
    validate(wasm)?;
    let parsed = Parsed::read(wasm, None)?;
    let constants = Constants::of(&parsed)?;
    let mut pages = std::collections::BTreeSet::new();
    let mut data = Vec::new();
    for segment in &parsed.data {
        let offset = match &segment.kind {
            DataKind::Active { offset_expr, .. } => Some(constants.offset(offset_expr)?),
            DataKind::Passive => None,
        };
        let non_zero = segment.data.iter().enumerate().filter(|(_, byte)| **byte != 0);
        let mut non_zero_bytes = 0;
        for (at, _) in non_zero {
            non_zero_bytes += 1;
            if let Some(offset) = offset {
                pages.insert((offset as usize + at) / PAGE);
            }
        }
        data.push(DataLayout { offset, bytes: segment.data.len(), non_zero_bytes });
    }
    Ok(Layout {
        sections: parsed.sections.iter().map(section).collect(),
        data,
        memory_bytes: parsed.memory().map(|_| parsed.memory_bytes()),
        pages_used: pages.len(),
        marks: marks(&parsed),
    })
}

fn section(section: &Section<'_>) -> SectionLayout {
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
        Some(name) => format!("{kind} {:?}", crate::types::shown(name)),
        None => kind.into(),
    };
    SectionLayout { name, offset: section.range.start, bytes: section.range.len() }
}

fn marks(parsed: &Parsed<'_>) -> Vec<Mark> {
    let globals = parsed.exports.iter().filter(|export| export.kind == ExternalKind::Global);
    let value = |index: u32| {
        let global = parsed.globals.get(index as usize)?;
        match global.init_expr.get_operators_reader().read() {
            Ok(Operator::I32Const { value }) => Some(value),
            _ => None,
        }
    };
    globals.filter_map(|export| Some(Mark { name: export.name.into(), value: value(export.index)? })).collect()
}
