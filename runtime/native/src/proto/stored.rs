//! A Proto-Faaslet in bytes, for a host that starts again.
//!
//! Layout: the chunks of memory that are not zero, 64 KiB each; the bytes of private files; a description of both and of all
//! else (JSON); its length (u32, little-endian); magic. The chunks come first so that whoever cuts the bytes into pieces of
//! that size finds those that another snapshot has as well.
//!
//! What is read may be anybody's bytes. A description that this function's Faaslets could not have made is refused, and the
//! first Faaslet is restored at once: what Wasmtime refuses shows before anybody calls.

use std::fmt::Display;
use std::sync::Arc;

use faaslet_wasi::StoredWasi;
use serde::{Deserialize, Serialize};

use super::{Proto, TableDifference};
use crate::faaslet::Faaslet;
use crate::fault::Fault;
use crate::function::Function;
use crate::linking::StoredLinking;
use crate::memory::{CHUNK, Image, StoredBlocks, WASM_PAGE};
use crate::values::StoredValue;

/// The last byte is the format's version: what has another one is refused.
const MAGIC: &[u8; 8] = b"proto-f\x01";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    memory_bytes: usize,
    /// The numbers of the chunks, ascending.
    chunks: Vec<u32>,
    globals: Vec<StoredValue>,
    tables: Vec<TableDifference>,
    wasi: StoredWasi,
    blocks: StoredBlocks,
    linking: StoredLinking,
}

/// What became of an export.
pub enum Export {
    Stored(Vec<u8>),
    /// Nothing of the guest runs before the snapshot: it is in the artefact already.
    NotNeeded,
    /// Why it cannot be written down.
    Hindered(String),
}

/// A function's Proto-Faaslet in at most `max` bytes.
pub fn export(function: &Function, max: usize) -> Result<Export, Fault> {
    let proto = function.proto.get().ok_or_else(|| Fault::bug("no Proto-Faaslet"))?;
    if !function.runs_before_snapshot() {
        return Ok(Export::NotNeeded);
    }
    let hindered = |why: &str| Ok(Export::Hindered(why.to_owned()));
    let too_large = || Ok(Export::Hindered(format!("it is larger than {max} bytes")));
    if let Some(why) = proto.saw_outside {
        return hindered(why);
    }
    let globals = proto.globals.iter().map(StoredValue::of).collect::<Result<_, Fault>>()?;
    let linking = proto.linking.store(&function.libraries)?;
    let mut bytes = Vec::new();
    let Some(chunks) = proto.image.chunks(&mut bytes, max)? else { return too_large() };
    let wasi = match proto.wasi.store(&function.files, &mut bytes) {
        Ok(wasi) => wasi,
        Err(cannot) => return hindered(cannot.0),
    };
    let memory_bytes = proto.image.bytes();
    let tables = proto.tables.clone();
    let description =
        Description { memory_bytes, chunks, globals, tables, wasi, blocks: proto.blocks.store(), linking };
    let description = serde_json::to_vec(&description).map_err(Fault::bug)?;
    bytes.extend_from_slice(&description);
    bytes.extend_from_slice(&u32::try_from(description.len()).map_err(Fault::bug)?.to_le_bytes());
    bytes.extend_from_slice(MAGIC);
    if bytes.len() > max { too_large() } else { Ok(Export::Stored(bytes)) }
}

/// The Proto-Faaslet that was exported of this function, and a first Faaslet that starts from it.
pub fn import(function: &Function, bytes: &[u8]) -> Result<(Proto, Faaslet), Fault> {
    let rest = bytes.strip_suffix(MAGIC).ok_or_else(|| wrong("another format"))?;
    let parts = rest.split_last_chunk::<4>().and_then(|(rest, length)| {
        let length = u32::from_le_bytes(*length) as usize;
        rest.split_at_checked(rest.len().checked_sub(length)?)
    });
    let (content, description) = parts.ok_or_else(|| wrong("it is cut off"))?;
    let stored: Description = serde_json::from_slice(description).map_err(wrong)?;
    let image = image(function, &stored, content).ok_or_else(|| wrong("its memory"))??;
    let globals: Vec<_> = stored.globals.iter().map(StoredValue::load).collect();
    if globals.len() != function.meta.mutable_globals.len() {
        return Err(wrong("its globals"));
    }
    if stored.tables.iter().any(|table| table.table >= function.meta.initial_tables.len()) {
        return Err(wrong("its tables"));
    }
    let blocks = stored.blocks.load(image.bytes() as u64).ok_or_else(|| wrong("its blocks of memory"))?;
    let wasi = stored.wasi.load(&function.wasi, &function.files, content).ok_or_else(|| wrong("its files"))?;
    let linking = stored.linking.load(&function.libraries).ok_or_else(|| wrong("its libraries"))?;
    let (image, blocks) = (Arc::new(image), Arc::new(blocks));
    let proto = Proto { image, globals, tables: stored.tables, wasi, blocks, linking, saw_outside: None };
    let faaslet = Faaslet::restore(function, &proto).map_err(|fault| match fault.code {
        "ERR_BUG" => wrong(fault.message),
        _ => fault,
    })?;
    Ok((proto, faaslet))
}

fn wrong(what: impl Display) -> Fault {
    Fault::new("ERR_ARTEFACT", format!("not a snapshot of this function: {what}"))
}

/// Nothing when the chunks are not of a memory that the module may have.
fn image(function: &Function, stored: &Description, content: &[u8]) -> Option<Result<Image, Fault>> {
    let Description { memory_bytes, chunks, .. } = stored;
    let pages = u64::try_from(*memory_bytes).ok()? / WASM_PAGE;
    let maximum = function.meta.memory.as_ref().map_or(0, |memory| memory.maximum_pages.unwrap_or(u64::MAX));
    let is_possible = memory_bytes.is_multiple_of(WASM_PAGE as usize)
        && *memory_bytes >= function.initial.bytes()
        && *memory_bytes <= function.settings.guest_limits.memory_bytes
        && pages <= maximum;
    let ascend = chunks.is_sorted_by(|one, next| one < next);
    let fit = chunks.last().is_none_or(|last| u64::from(*last) < pages);
    let bytes = content.get(..chunks.len().checked_mul(CHUNK)?)?;
    if !is_possible || !ascend || !fit {
        return None;
    }
    Some(Image::from_chunks(*memory_bytes, chunks.iter().copied().zip(bytes.chunks_exact(CHUNK))))
}
