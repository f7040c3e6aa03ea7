//! What may be uploaded, and how it is rewritten so that it can be snapshotted and reset. Pure: bytes in, words or bytes out.
//!
//! - [`inspect`] checks a module against the host interface and the limits and reports what it holds;
//! - [`plan`] decides which export runs when;
//! - [`rewrite`] turns an inspected module into one whose initial memory is ours to provide;
//! - [`layout`] tells people what the file holds.
//!
//! Nothing here runs or compiles anything. Every function may be given any bytes.

mod constant;
mod features;
mod format;
mod imports;
mod inspect;
mod layout;
mod library;
mod limits;
mod meta;
mod operands;
mod parsed;
mod plan;
mod producers;
mod read;
mod refusal;
mod report;
mod rewrite;
mod scan;
mod style;
mod types;

pub use features::accepted as accepted_features;
pub use inspect::{Rules, inspect};
pub use layout::{DataLayout, DataMode, Layout, Mark, MemoryLayout, SectionLayout, layout};
pub use library::{Dylink, inspect_library, is_library, rewrite_library};
pub use limits::Limits;
pub use meta::{
    GlobalExport, MEMORY_EXPORT, MemoryShape, ModuleMeta, Piece, TableShape, function_export, global_export,
    table_export,
};
pub use plan::{StartPlan, plan};
pub use refusal::Refusal;
pub use report::Report;
pub use rewrite::{Rewritten, rewrite};
pub use style::Style;
pub use types::{ImportSignature, ValueType};
