//! A directory of the machine, read and written for `faaslet run --dir`; no other part opens a path for a guest.

use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;

use super::convert::Coded;
use super::group::NativeFile;
use crate::fault::Fault;
use crate::tree::{self, TreeLimits, Write};

/// What a directory holds; paths are relative to it.
#[napi(object)]
pub struct NativeTree {
    pub files: Vec<NativeFile>,
    /// Neither files nor directories, or without a UTF-8 name.
    pub skipped: Vec<String>,
}

/// One entry to write; `removed` wins over `bytes`, and a directory has neither.
#[napi(object)]
pub struct NativeWrite {
    pub path: String,
    pub bytes: Option<Uint8Array>,
    pub removed: bool,
}

/// Reads all regular files and directories beneath `directory`. Links are not followed and not read.
#[napi(catch_unwind)]
pub fn read_tree(directory: String, bytes_max: f64, files_max: u32) -> Result<NativeTree, Coded> {
    let limits = TreeLimits { bytes: bytes_max as usize, files: files_max as usize };
    let tree = tree::read(&directory, limits)?;
    let files = tree.entries.into_iter().map(|(path, bytes)| NativeFile { path, bytes: bytes.map(Uint8Array::from) });
    Ok(NativeTree { files: files.collect(), skipped: tree.skipped })
}

/// Writes entries beneath `directory`, never through a link, each file by a rename.
#[napi(catch_unwind)]
pub fn write_tree(directory: String, entries: Vec<NativeWrite>) -> Result<(), Coded> {
    let writes = entries.iter().map(|entry| Write {
        path: &entry.path,
        bytes: entry.bytes.as_deref(),
        is_removed: entry.removed,
    });
    tree::write(&directory, writes).map_err(Fault::into)
}
