//! One pass over the code: what it uses, and which limits it breaks. Nothing here needs the code to be valid.

use std::collections::BTreeSet;

use wasmparser::{FunctionBody, Operator};

use crate::limits::{Excess, Limits};
use crate::refusal::Refusal;

/// What the code does that matters to snapshots and resets, or to people.
#[derive(Debug, Default)]
pub struct CodeScan {
    pub writes_tables: bool,
    pub drops_segments: bool,
    pub bulk_memory: bool,
    pub tail_calls: bool,
    pub simd: bool,
    pub atomics: bool,
    pub grows_memory: bool,
    /// Functions that code takes a reference to.
    pub referenced: BTreeSet<u32>,
}

/// First bytes of two families of instructions (core specification 5.4.8, threads proposal).
const SIMD_PREFIX: u8 = 0xfd;
const ATOMICS_PREFIX: u8 = 0xfe;

pub fn scan_function(
    wasm: &[u8],
    body: &FunctionBody<'_>,
    limits: Option<&Limits>,
    scan: &mut CodeScan,
) -> Result<(), Refusal> {
    let mut excess = Excess::default();
    if let Some(limits) = limits {
        let mut locals = 0u64;
        for group in body.get_locals_reader()? {
            locals += u64::from(group?.0);
        }
        excess.check("locals of a function", locals, limits.locals_max);
    }
    let mut depth = 0u64;
    let mut deepest = 0u64;
    let mut targets = 0u64;
    let mut reader = body.get_operators_reader()?;
    while !reader.eof() {
        match wasm.get(reader.original_position()) {
            Some(&SIMD_PREFIX) => scan.simd = true,
            Some(&ATOMICS_PREFIX) => scan.atomics = true,
            _ => {}
        }
        match reader.read()? {
            Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } | Operator::TryTable { .. } => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            Operator::End => depth = depth.saturating_sub(1),
            Operator::BrTable { targets: table } => targets = targets.max(u64::from(table.len())),
            Operator::TableSet { .. }
            | Operator::TableGrow { .. }
            | Operator::TableFill { .. }
            | Operator::TableCopy { .. }
            | Operator::TableInit { .. } => scan.writes_tables = true,
            Operator::DataDrop { .. } | Operator::ElemDrop { .. } => scan.drops_segments = true,
            Operator::MemoryCopy { .. } | Operator::MemoryFill { .. } | Operator::MemoryInit { .. } => {
                scan.bulk_memory = true
            }
            Operator::MemoryGrow { .. } => scan.grows_memory = true,
            Operator::ReturnCall { .. } | Operator::ReturnCallIndirect { .. } => scan.tail_calls = true,
            Operator::RefFunc { function_index } => {
                scan.referenced.insert(function_index);
            }
            _ => {}
        }
    }
    if let Some(limits) = limits {
        excess.check("nesting of blocks in a function", deepest, limits.nesting_max);
        excess.check("targets of a branch table", targets, limits.branch_table_targets_max);
    }
    Refusal::unless_empty("ERR_MODULE_LIMIT", excess.problems())
}
