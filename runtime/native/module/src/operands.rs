//! How many values instructions take from and put on the stack. Validators and compilers look at each of them, and two bytes of
//! code can stand for thousands: a call of a function with a thousand parameters, in code that is never reached.

use wasmparser::{BlockType, FuncType, Operator};

/// The values that the types of a module stand for.
#[derive(Debug, Default)]
pub struct Operands {
    types: Vec<Arity>,
    /// By function: its type.
    functions: Vec<u32>,
    /// For what needs a proposal that is refused later on.
    largest: u64,
    /// Blocks that are open; the first is the function itself.
    open: Vec<Block>,
}

#[derive(Debug, Clone, Copy)]
struct Block {
    arity: Arity,
    /// What a branch to it takes.
    label: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Arity {
    params: u64,
    results: u64,
}

impl Arity {
    fn both(self) -> u64 {
        self.params + self.results
    }
}

impl Operands {
    pub fn of(types: &[FuncType], functions: &[u32]) -> Self {
        let arity =
            |kind: &FuncType| Arity { params: kind.params().len() as u64, results: kind.results().len() as u64 };
        let types: Vec<_> = types.iter().map(arity).collect();
        let largest = types.iter().map(|arity| arity.both()).max().unwrap_or(0);
        Self { types, functions: functions.to_vec(), largest, open: Vec::new() }
    }

    /// Begins a function; its own operands are its parameters and results.
    pub fn enter(&mut self, function: u32) -> u64 {
        let arity = self.functions.get(function as usize).map(|kind| self.kind(*kind)).unwrap_or_default();
        self.open.clear();
        self.open.push(Block { arity, label: arity.results });
        arity.both()
    }

    /// Blocks that are open, without the function itself.
    pub fn depth(&self) -> u64 {
        self.open.len().saturating_sub(1) as u64
    }

    /// The operands of the next instruction, beyond the few that every instruction may have.
    pub fn next(&mut self, operator: &Operator<'_>) -> u64 {
        match operator {
            Operator::Block { blockty } | Operator::If { blockty } | Operator::Try { blockty } => {
                let arity = self.block(*blockty);
                self.begin(Block { arity, label: arity.results })
            }
            Operator::Loop { blockty } => {
                let arity = self.block(*blockty);
                self.begin(Block { arity, label: arity.params })
            }
            Operator::TryTable { try_table } => {
                let arity = self.block(try_table.ty);
                let catches = self.largest * try_table.catches.len() as u64;
                self.begin(Block { arity, label: arity.results }) + catches
            }
            Operator::Else => self.open.last().map_or(0, |block| block.arity.both()),
            Operator::End | Operator::Delegate { .. } => self.open.pop().map_or(0, |block| block.arity.both()),
            Operator::Br { relative_depth } | Operator::BrIf { relative_depth } => self.label(*relative_depth),
            Operator::BrTable { targets } => self.label(targets.default()) * (u64::from(targets.len()) + 1),
            Operator::Return => self.open.first().map_or(0, |function| function.label),
            Operator::Call { function_index } | Operator::ReturnCall { function_index } => {
                self.functions.get(*function_index as usize).map_or(0, |kind| self.kind(*kind).both())
            }
            Operator::CallIndirect { type_index, .. }
            | Operator::ReturnCallIndirect { type_index, .. }
            | Operator::CallRef { type_index }
            | Operator::ReturnCallRef { type_index } => self.kind(*type_index).both(),
            Operator::Throw { .. }
            | Operator::Catch { .. }
            | Operator::CatchAll
            | Operator::Suspend { .. }
            | Operator::BrOnNull { .. }
            | Operator::BrOnNonNull { .. }
            | Operator::BrOnCast { .. }
            | Operator::BrOnCastFail { .. } => self.largest,
            _ => 0,
        }
    }

    fn begin(&mut self, block: Block) -> u64 {
        self.open.push(block);
        block.arity.both()
    }

    fn label(&self, depth: u32) -> u64 {
        let index = self.open.len().checked_sub(1 + depth as usize);
        index.and_then(|index| self.open.get(index)).map_or(0, |block| block.label)
    }

    fn block(&self, block: BlockType) -> Arity {
        match block {
            BlockType::Empty => Arity::default(),
            BlockType::Type(_) => Arity { params: 0, results: 1 },
            BlockType::FuncType(kind) => self.kind(kind),
        }
    }

    fn kind(&self, index: u32) -> Arity {
        self.types.get(index as usize).copied().unwrap_or_default()
    }
}
