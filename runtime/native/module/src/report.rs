//! The precise answer to an upload.

use serde::Serialize;
use wasmparser::{ExternalKind, ValType};

use crate::parsed::Parsed;
use crate::refusal::Refusal;
use crate::style::{DESTRUCTORS, ENTRY_TYPES, Style, ZYGOTE};
use crate::types::{bounds_words, function_words};

/// What a module holds. `runtime/registry.ts` has the same shape as `ModuleReport`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    pub bytes: usize,
    pub imports: Vec<ImportReport>,
    pub exports: Vec<ExportReport>,
    pub memory: Option<MemoryReport>,
    pub counts: Counts,
    pub data_bytes: u64,
    pub code_bytes: usize,
    pub producers: Vec<String>,
    /// As long as the settings name no other entry.
    pub style: Style,
    pub uses: Uses,
    pub warnings: Vec<String>,
}

#[derive(Debug, Serialize)]
pub struct ImportReport {
    pub module: String,
    pub name: String,
    pub params: Vec<String>,
    pub results: Vec<String>,
}

#[derive(Debug, Serialize)]
pub struct ExportReport {
    pub name: String,
    /// `function`, `memory`, `table` or `global`.
    pub kind: &'static str,
    /// In words, e.g. `(i32, i32) -> i32`.
    #[serde(rename = "type")]
    pub words: String,
}

impl ExportReport {
    /// Whether a call could enter here.
    pub fn may_be_entry(&self) -> bool {
        self.kind == "function" && ENTRY_TYPES.contains(&self.words.as_str())
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MemoryReport {
    pub minimum_pages: u64,
    pub maximum_pages: Option<u64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    pub types: usize,
    /// Without imported ones.
    pub functions: usize,
    pub imports: usize,
    pub exports: usize,
    pub globals: usize,
    pub tables: usize,
    pub element_segments: usize,
    pub data_segments: usize,
    pub passive_data_segments: usize,
}

/// What the code uses.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Uses {
    pub simd: bool,
    pub atomics: bool,
    pub bulk_memory: bool,
    pub tail_calls: bool,
    pub memory_growth: bool,
    /// These two make a Faaslet start anew for each call instead of being reset.
    pub table_writes: bool,
    pub segment_drops: bool,
}

impl Report {
    /// Of a valid module that imports functions only.
    pub fn of(wasm: &[u8], parsed: &Parsed<'_>) -> Result<Self, Refusal> {
        let words = |kinds: &[ValType]| kinds.iter().map(ToString::to_string).collect();
        let mut imports = Vec::new();
        for (import, index) in parsed.imports.iter().zip(0..) {
            let kind = parsed.function_type(index)?;
            imports.push(ImportReport {
                module: import.module.into(),
                name: import.name.into(),
                params: words(kind.params()),
                results: words(kind.results()),
            });
        }
        let exports =
            parsed.exports.iter().map(|export| export_report(parsed, export)).collect::<Result<Vec<_>, _>>()?;
        let mut report = Self {
            bytes: wasm.len(),
            imports,
            style: Style::of(&exports, None),
            exports,
            memory: parsed
                .memory
                .map(|memory| MemoryReport { minimum_pages: memory.initial, maximum_pages: memory.maximum }),
            counts: counts(parsed),
            data_bytes: parsed.data_bytes(),
            code_bytes: parsed.code_bytes,
            producers: parsed.producers.clone(),
            uses: uses(parsed),
            warnings: Vec::new(),
        };
        report.warnings = report.find_warnings();
        Ok(report)
    }

    /// A function export's type in words.
    pub fn function_words(&self, name: &str) -> Option<&str> {
        let export = self.exports.iter().find(|export| export.kind == "function" && export.name == name);
        export.map(|export| export.words.as_str())
    }

    fn find_warnings(&self) -> Vec<String> {
        let exports = |name: &str| self.function_words(name).is_some();
        let writes_files = self.imports.iter().any(|import| import.name == "fd_write");
        let cases = [
            (
                self.style == Style::Command && exports(ZYGOTE),
                "_faasm_zygote does not run: _start would construct everything again; link with \
                 -Wl,--export=__wasm_call_ctors,--export=__main_void or -mexec-model=reactor",
            ),
            (
                self.style == Style::Faasm && writes_files && !exports(DESTRUCTORS),
                "buffered output is not flushed when the entry returns; link with -Wl,--export=__wasm_call_dtors",
            ),
            (
                self.uses.segment_drops,
                "the code drops segments (data.drop or elem.drop): each call starts from the Proto-Faaslet anew",
            ),
            (self.uses.table_writes, "the code writes to its tables: each call starts from the Proto-Faaslet anew"),
        ];
        cases.into_iter().filter(|(applies, _)| *applies).map(|(_, warning)| warning.to_owned()).collect()
    }
}

fn counts(parsed: &Parsed<'_>) -> Counts {
    Counts {
        types: parsed.types.len(),
        functions: parsed.functions.len() - parsed.imports.len(),
        imports: parsed.imports.len(),
        exports: parsed.exports.len(),
        globals: parsed.globals.len(),
        tables: parsed.tables.len(),
        element_segments: parsed.elements.len(),
        data_segments: parsed.data.len(),
        passive_data_segments: parsed.passive_data(),
    }
}

fn uses(parsed: &Parsed<'_>) -> Uses {
    let code = &parsed.code;
    Uses {
        simd: code.simd,
        atomics: code.atomics,
        bulk_memory: code.bulk_memory,
        tail_calls: code.tail_calls,
        memory_growth: code.grows_memory,
        table_writes: code.writes_tables,
        segment_drops: code.drops_segments,
    }
}

fn export_report(parsed: &Parsed<'_>, export: &wasmparser::Export<'_>) -> Result<ExportReport, Refusal> {
    let (kind, words) = match export.kind {
        ExternalKind::Func | ExternalKind::FuncExact => {
            let kind = parsed.function_type(export.index)?;
            ("function", function_words(kind.params(), kind.results()))
        }
        ExternalKind::Memory => {
            let words = parsed.memory.map(|memory| bounds_words(memory.initial, memory.maximum, "pages"));
            ("memory", words.unwrap_or_default())
        }
        ExternalKind::Table => {
            let table = parsed.tables.get(export.index as usize).map(|table| table.ty);
            let words = table.map(|table| bounds_words(table.initial, table.maximum, "entries"));
            ("table", words.unwrap_or_default())
        }
        ExternalKind::Global => {
            let kind = parsed.global_type(export.index);
            let words = kind.map(|kind| format!("{}{}", if kind.mutable { "mutable " } else { "" }, kind.content_type));
            ("global", words.unwrap_or_default())
        }
        ExternalKind::Tag => ("tag", String::new()),
    };
    Ok(ExportReport { name: export.name.into(), kind, words })
}
