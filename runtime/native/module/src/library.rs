//! Libraries that a program opens while it runs: side modules as `clang -fPIC -shared` makes them. They bring no memory and
//! no table, but say how much of the program's they need (the section `dylink.0` of the tool conventions).

use serde::{Deserialize, Serialize};
use wasmparser::{Dylink0Subsection, KnownCustom, Parser, Payload, SymbolFlags, TypeRef, ValType};

use crate::features::validate;
use crate::format::check_format;
use crate::inspect::{check_globals, check_names};
use crate::limits::{Excess, Limits};
use crate::meta::{ModuleMeta, START_EXPORT};
use crate::parsed::Parsed;
use crate::read::{read, read_within};
use crate::refusal::Refusal;
use crate::rewrite::{Rewritten, data, encode, mutable_globals};
use crate::types::shown;

/// The section that makes a module a library; it is the first of all.
const SECTION: &str = "dylink.0";
/// The largest alignment that makes sense: a page of memory.
const ALIGNMENT_LOG2_MAX: u32 = 16;
/// Each is looked for among the function's files when the library is opened.
const NEEDED_MAX: u64 = 256;

/// What a library needs of the program that opens it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dylink {
    pub memory_bytes: u32,
    /// As a power of two.
    pub memory_alignment: u32,
    pub table_elements: u32,
    pub table_alignment: u32,
    /// Names of the libraries that it needs.
    pub needed: Vec<String>,
    /// Names of imports that may be missing.
    pub weak: Vec<String>,
}

/// Whether a file is a library. Any bytes may be handed in.
pub fn is_library(bytes: &[u8]) -> bool {
    let first = bytes.starts_with(b"\0asm\x01\0\0\0").then(|| Parser::new(0).parse_all(bytes).nth(1)).flatten();
    matches!(first, Some(Ok(Payload::CustomSection(section))) if section.name() == SECTION)
}

/// Checks a library. Whether its imports are there shows when it is opened.
pub fn inspect_library(wasm: &[u8], limits: &Limits) -> Result<Dylink, Refusal> {
    check_format(wasm)?;
    let mut excess = Excess::default();
    excess.check(wasm.len() as u64, limits.bytes_max, || "bytes of the library".into());
    excess.refusal()?;
    let parsed = read_within(wasm, limits)?;
    validate(wasm)?;
    check(&parsed)?;
    let dylink = dylink(wasm)?;
    let mut excess = Excess::default();
    excess.check(dylink.table_elements.into(), limits.table_elements_max, || "table entries of the library".into());
    excess.check(dylink.needed.len() as u64, NEEDED_MAX, || "libraries that the library needs".into());
    excess.check(dylink.weak.len() as u64, limits.imports_max, || "weak imports of the library".into());
    excess.check(u64::from(dylink.memory_bytes) / 65_536, limits.memory_pages_max, || "pages of the library".into());
    excess.refusal()?;
    Ok(dylink)
}

/// Rewrites a library that [`inspect_library`] accepted, as [`rewrite`](crate::rewrite()) does a program.
pub fn rewrite_library(wasm: &[u8]) -> Result<(Rewritten, Dylink), Refusal> {
    let parsed = read(wasm)?;
    check(&parsed)?;
    let dylink = dylink(wasm)?;
    let mut meta = ModuleMeta {
        mutable_globals: mutable_globals(&parsed),
        start_export: parsed.start.map(|_| START_EXPORT.to_owned()),
        ..ModuleMeta::default()
    };
    let base = parsed.imported_global("env", "__memory_base");
    data::take_relative(&parsed, base, dylink.memory_bytes, &mut meta)?;
    Ok((Rewritten { wasm: encode::encode(&parsed, &meta), meta }, dylink))
}

fn check(parsed: &Parsed<'_>) -> Result<(), Refusal> {
    check_names(parsed)?;
    check_globals(parsed)?;
    let mut problems = Vec::new();
    for import in &parsed.imports {
        if let Some(problem) = problem_of(import.module, import.name, import.ty) {
            problems.push(format!("{}.{} {problem}", shown(import.module), shown(import.name)));
        }
    }
    if parsed.memory.is_some() || !parsed.tables.is_empty() {
        problems.push("a library has no memory and no table of its own".into());
    }
    // They would outlive a reset of the program: nothing that a compiler makes for a library does either.
    if parsed.code.writes_tables || parsed.code.drops_segments {
        problems.push("a library cannot write to tables or drop segments".into());
    }
    Refusal::unless_empty("ERR_MODULE_IMPORT", problems)
}

/// What a library may import, by the tool conventions for dynamic linking.
fn problem_of(module: &str, name: &str, kind: TypeRef) -> Option<&'static str> {
    match (module, name, kind) {
        ("env", "memory", TypeRef::Memory(memory)) => memory.shared.then_some("is a shared memory"),
        ("env", "__indirect_function_table", TypeRef::Table(_)) => None,
        ("env", "__memory_base" | "__table_base", TypeRef::Global(global)) => {
            (global.mutable || global.content_type != ValType::I32).then_some("is not a constant i32")
        }
        ("env", "__stack_pointer", TypeRef::Global(global)) | ("GOT.mem" | "GOT.func", _, TypeRef::Global(global)) => {
            (!global.mutable || global.content_type != ValType::I32).then_some("is not a mutable i32")
        }
        ("env" | "wasi_snapshot_preview1", _, TypeRef::Func(_)) => None,
        _ => Some("is nothing that a library may import"),
    }
}

fn dylink(wasm: &[u8]) -> Result<Dylink, Refusal> {
    let mut all = Dylink::default();
    let section = Parser::new(0).parse_all(wasm).nth(1);
    let Some(Ok(Payload::CustomSection(section))) = section else { return Err(missing()) };
    let KnownCustom::Dylink0(reader) = section.as_known() else { return Err(missing()) };
    for part in reader {
        match part? {
            Dylink0Subsection::MemInfo(info) => {
                all.memory_bytes = info.memory_size;
                all.memory_alignment = info.memory_alignment;
                all.table_elements = info.table_size;
                all.table_alignment = info.table_alignment;
            }
            Dylink0Subsection::Needed(names) => all.needed = names.into_iter().map(str::to_owned).collect(),
            Dylink0Subsection::ImportInfo(imports) => {
                let weak = imports.into_iter().filter(|import| import.flags.contains(SymbolFlags::BINDING_WEAK));
                all.weak = weak.map(|import| import.field.to_owned()).collect();
            }
            _ => {}
        }
    }
    if all.memory_alignment > ALIGNMENT_LOG2_MAX || all.table_alignment > ALIGNMENT_LOG2_MAX {
        return Err(Refusal::invalid("the library wants an alignment beyond 64 KiB"));
    }
    Ok(all)
}

fn missing() -> Refusal {
    Refusal::invalid("the file is not a library: its first section is not dylink.0")
}
