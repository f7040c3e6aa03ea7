//! A module taken apart once, for everybody else in here. Structure only: whether it validates is another question.

use std::ops::Range;

use wasmparser::{Data, DataKind, Element, Export, FuncType, Global, GlobalType, Import, MemoryType, Table, TypeRef};

use crate::refusal::Refusal;
use crate::scan::CodeScan;

/// Bytes of a page of memory (core specification 4.2.8).
pub const PAGE_BYTES: u64 = 65_536;

/// One section of the file.
pub struct Section<'a> {
    pub id: u8,
    pub bytes: &'a [u8],
    /// Of the contents, in the file.
    pub range: Range<usize>,
    /// Of a custom section.
    pub name: Option<&'a str>,
}

/// Tables, memories and globals are the module's own: imported ones are in `imports` only.
#[derive(Default)]
pub struct Parsed<'a> {
    pub sections: Vec<Section<'a>>,
    pub types: Vec<FuncType>,
    pub imports: Vec<Import<'a>>,
    /// Type index of every function, imported ones first.
    pub functions: Vec<u32>,
    pub tables: Vec<Table<'a>>,
    pub memory: Option<MemoryType>,
    pub globals: Vec<Global<'a>>,
    pub exports: Vec<Export<'a>>,
    pub start: Option<u32>,
    pub elements: Vec<Element<'a>>,
    pub data: Vec<Data<'a>>,
    pub code: CodeScan,
    pub code_bytes: usize,
    pub producers: Vec<String>,
}

impl Parsed<'_> {
    /// The type of a function by its index.
    pub fn function_type(&self, index: u32) -> Result<&FuncType, Refusal> {
        let kind = self.functions.get(index as usize).and_then(|&kind| self.types.get(kind as usize));
        kind.ok_or_else(|| Refusal::invalid(format!("function {index} is out of range")))
    }

    /// A global's number counts imported ones first.
    pub fn global(&self, index: u32) -> Option<&Global<'_>> {
        self.globals.get((index as usize).checked_sub(self.imported_globals())?)
    }

    pub fn global_type(&self, index: u32) -> Option<GlobalType> {
        self.global(index).map(|global| global.ty)
    }

    pub fn imported_globals(&self) -> usize {
        self.imports.iter().filter(|import| matches!(import.ty, TypeRef::Global(_))).count()
    }

    /// Bytes of memory at the start.
    pub fn memory_bytes(&self) -> u64 {
        self.memory.map_or(0, |memory| memory.initial.saturating_mul(PAGE_BYTES))
    }

    pub fn data_bytes(&self) -> u64 {
        self.data.iter().map(|segment| segment.data.len() as u64).sum()
    }

    pub fn passive_data(&self) -> usize {
        self.data.iter().filter(|segment| matches!(segment.kind, DataKind::Passive)).count()
    }

    /// True for a program that opens libraries.
    pub fn opens_libraries(&self) -> bool {
        self.imports.iter().any(|import| import.module == "env" && import.name == "dlopen")
    }

    /// The index of an imported global.
    pub fn imported_global(&self, module: &str, name: &str) -> Option<u32> {
        let globals = self.imports.iter().filter(|import| matches!(import.ty, TypeRef::Global(_)));
        (0u32..).zip(globals).find(|(_, import)| import.module == module && import.name == name).map(|(index, _)| index)
    }

    pub fn has_custom(&self, name: &str) -> bool {
        self.sections.iter().any(|section| section.name == Some(name))
    }
}
