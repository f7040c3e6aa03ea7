//! One pass over the code: what it uses, and which limits it breaks. Nothing here needs the code to be valid.

use wasmparser::{FunctionBody, Operator};

use crate::limits::{Excess, Limits};
use crate::operands::Operands;
use crate::refusal::Refusal;

/// What the code does that matters to snapshots and resets, or to people.
#[derive(Debug, Default)]
pub struct CodeScan {
    /// Bodies that were read.
    pub functions: u32,
    pub writes_tables: bool,
    pub drops_segments: bool,
    pub bulk_memory: bool,
    pub tail_calls: bool,
    pub simd: bool,
    pub atomics: bool,
    pub grows_memory: bool,
    /// By function: whether code takes a reference to it.
    pub referenced: Vec<bool>,
}

/// First bytes of two families of instructions (core specification 5.4.8, threads proposal).
const SIMD_PREFIX: u8 = 0xfd;
const ATOMICS_PREFIX: u8 = 0xfe;

/// Counts what is limited, over all functions.
pub struct Counter<'a> {
    limits: &'a Limits,
    operands: Operands,
    imported_functions: u32,
    operand_count: u64,
}

impl<'a> Counter<'a> {
    pub fn new(limits: &'a Limits, operands: Operands, imported_functions: u32) -> Self {
        Self { limits, operands, imported_functions, operand_count: 0 }
    }

    /// Of all functions that were scanned.
    pub fn check_operands(&self, excess: &mut Excess) {
        excess.check(self.operand_count, self.limits.operands_max, || "operands of all instructions".into());
    }
}

/// Adds one function's body to `scan`.
pub fn scan_function(wasm: &[u8], body: &FunctionBody<'_>, scan: &mut CodeScan) -> Result<(), Refusal> {
    each_operator(wasm, body, scan, |_| ())
}

/// As [`scan_function`], and counts.
pub fn count_function(
    wasm: &[u8],
    body: &FunctionBody<'_>,
    scan: &mut CodeScan,
    counter: &mut Counter<'_>,
    excess: &mut Excess,
) -> Result<(), Refusal> {
    let number = scan.functions;
    let Counter { limits, operands, .. } = counter;
    let mut locals = 0u64;
    for group in body.get_locals_reader()? {
        locals = locals.saturating_add(group?.0.into());
    }
    excess.check(locals, limits.locals_max, || format!("locals of function body {number}"));
    let mut count = operands.enter(counter.imported_functions.saturating_add(number));
    let mut deepest = 0;
    let mut targets = 0;
    each_operator(wasm, body, scan, |operator| {
        count = count.saturating_add(operands.next(operator));
        deepest = deepest.max(operands.depth());
        if let Operator::BrTable { targets: table } = operator {
            targets = targets.max(u64::from(table.len()));
        }
    })?;
    excess.check(deepest, limits.nesting_max, || format!("nesting of blocks in function body {number}"));
    let what = || format!("targets of a branch table in function body {number}");
    excess.check(targets, limits.branch_table_targets_max, what);
    counter.operand_count = counter.operand_count.saturating_add(count);
    Ok(())
}

fn each_operator(
    wasm: &[u8],
    body: &FunctionBody<'_>,
    scan: &mut CodeScan,
    mut action: impl FnMut(&Operator<'_>),
) -> Result<(), Refusal> {
    let mut reader = body.get_operators_reader()?;
    while !reader.eof() {
        match wasm.get(reader.original_position()) {
            Some(&SIMD_PREFIX) => scan.simd = true,
            Some(&ATOMICS_PREFIX) => scan.atomics = true,
            _ => {}
        }
        let operator = reader.read()?;
        scan.note(&operator);
        action(&operator);
    }
    Ok(())
}

impl CodeScan {
    fn note(&mut self, operator: &Operator<'_>) {
        match operator {
            Operator::TableSet { .. }
            | Operator::TableGrow { .. }
            | Operator::TableFill { .. }
            | Operator::TableCopy { .. }
            | Operator::TableInit { .. } => self.writes_tables = true,
            Operator::DataDrop { .. } | Operator::ElemDrop { .. } => self.drops_segments = true,
            Operator::MemoryCopy { .. } | Operator::MemoryFill { .. } | Operator::MemoryInit { .. } => {
                self.bulk_memory = true;
            }
            Operator::MemoryGrow { .. } => self.grows_memory = true,
            Operator::ReturnCall { .. } | Operator::ReturnCallIndirect { .. } => self.tail_calls = true,
            Operator::RefFunc { function_index } => {
                if let Some(is_referenced) = self.referenced.get_mut(*function_index as usize) {
                    *is_referenced = true;
                }
            }
            _ => {}
        }
    }
}
