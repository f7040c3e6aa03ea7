//! The precise answer to an upload.

use serde::Serialize;
use wasmparser::{ExternalKind, ValType};

use crate::parsed::Parsed;
use crate::plan::Style;
use crate::refusal::Refusal;
use crate::types::function_words;

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
        let style = Style::of(&exports);
        let code = &parsed.code;
        let mut report = Self {
            bytes: wasm.len(),
            imports,
            exports,
            memory: parsed
                .memory()
                .map(|memory| MemoryReport { minimum_pages: memory.initial, maximum_pages: memory.maximum }),
            counts: Counts {
                types: parsed.types.len(),
                functions: parsed.functions.len() - parsed.imports.len(),
                imports: parsed.imports.len(),
                exports: parsed.exports.len(),
                globals: parsed.globals.len(),
                tables: parsed.tables.len(),
                element_segments: parsed.elements.len(),
                data_segments: parsed.data.len(),
                passive_data_segments: parsed.passive_data(),
            },
            data_bytes: parsed.data_bytes(),
            code_bytes: parsed.code_bytes,
            producers: parsed.producers.clone(),
            style,
            uses: Uses {
                simd: code.simd,
                atomics: code.atomics,
                bulk_memory: code.bulk_memory,
                tail_calls: code.tail_calls,
                memory_growth: code.grows_memory,
                table_writes: code.writes_tables,
                segment_drops: code.drops_segments,
            },
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
        let mut warnings = Vec::new();
        if self.style == Style::Command && self.function_words("_faasm_zygote").is_some() {
            warnings.push(
                "_faasm_zygote does not run: a command's constructors run inside _start; link with \
                 -Wl,--export=__wasm_call_ctors or -mexec-model=reactor to have it in the Proto-Faaslet"
                    .into(),
            );
        }
        if self.uses.segment_drops {
            warnings.push(
                "the code drops segments (data.drop or elem.drop): each call starts from the Proto-Faaslet anew".into(),
            );
        }
        if self.uses.table_writes {
            warnings.push("the code writes to its tables: each call starts from the Proto-Faaslet anew".into());
        }
        warnings
    }
}

fn export_report(parsed: &Parsed<'_>, export: &wasmparser::Export<'_>) -> Result<ExportReport, Refusal> {
    let (kind, words) = match export.kind {
        ExternalKind::Func | ExternalKind::FuncExact => {
            let kind = parsed.function_type(export.index)?;
            ("function", function_words(kind.params(), kind.results()))
        }
        ExternalKind::Memory => {
            ("memory", parsed.memory().map(|m| bounds(m.initial, m.maximum, "page")).unwrap_or_default())
        }
        ExternalKind::Table => {
            let table = parsed.tables.get(export.index as usize);
            ("table", table.map(|table| bounds(table.ty.initial, table.ty.maximum, "entry")).unwrap_or_default())
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

fn bounds(minimum: u64, maximum: Option<u64>, unit: &str) -> String {
    match maximum {
        Some(maximum) => format!("{minimum} to {maximum} × {unit}"),
        None => format!("{minimum} × {unit} and more"),
    }
}
