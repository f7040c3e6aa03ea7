//! The artefact: what the compiler's child hands to a worker. Machine code, initial memory, and how to use them.
//!
//! Layout: magic, length of the header (u32 LE), header (JSON), bytes of the initial memory, machine code.

use std::fs::File;
use std::io::Write;
use std::os::fd::AsRawFd;

use faaslet_module::{Dylink, ModuleMeta};
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use serde::{Deserialize, Serialize};
use wasmtime::Module;

use crate::engine::engine;
use crate::fault::Fault;

/// Of the layout above and of what the rewrite does: a change of either makes old artefacts useless.
pub const FORMAT: u8 = 2;
const MAGIC: &[u8; 8] = &[b'f', b'a', b'a', b's', b'l', b'e', b't', FORMAT];

#[derive(Serialize, Deserialize)]
struct Header {
    meta: ModuleMeta,
    image_bytes: usize,
    /// Of a library.
    dylink: Option<Dylink>,
}

/// An artefact that was taken apart.
pub struct Artefact {
    pub module: Module,
    pub meta: ModuleMeta,
    /// The bytes that `meta.image` refers to.
    pub image: Vec<u8>,
    /// Of a library.
    pub dylink: Option<Dylink>,
}

/// Compiles a module that was inspected; runs in the compiler's child.
pub fn compile(wasm: &[u8]) -> Result<Vec<u8>, Fault> {
    let rewritten = match faaslet_module::is_library(wasm) {
        true => faaslet_module::rewrite_library(wasm).map(|(rewritten, dylink)| (rewritten, Some(dylink))),
        false => faaslet_module::rewrite(wasm).map(|rewritten| (rewritten, None)),
    };
    let (mut rewritten, dylink) = rewritten.map_err(|r| Fault::new(r.code, r.to_string()))?;
    let code = engine()?.precompile_module(&rewritten.wasm).map_err(|e| Fault::new("ERR_COMPILE", format!("{e:#}")))?;
    let image = std::mem::take(&mut rewritten.meta.image_bytes);
    let header =
        serde_json::to_vec(&Header { meta: rewritten.meta, image_bytes: image.len(), dylink }).map_err(Fault::bug)?;
    let mut artefact = Vec::with_capacity(MAGIC.len() + 4 + header.len() + image.len() + code.len());
    artefact.extend_from_slice(MAGIC);
    artefact.extend_from_slice(&u32::try_from(header.len()).map_err(Fault::bug)?.to_le_bytes());
    artefact.extend_from_slice(&header);
    artefact.extend_from_slice(&image);
    artefact.extend_from_slice(&code);
    Ok(artefact)
}

/// Takes an artefact apart and loads its machine code.
///
/// # Safety
/// The artefact is byte for byte what [`compile`] made: machine code is run as it is.
pub unsafe fn load(artefact: &[u8]) -> Result<Artefact, Fault> {
    let wrong = || Fault::new("ERR_ARTEFACT", "not an artefact of this program");
    let rest = artefact.strip_prefix(MAGIC).ok_or_else(wrong)?;
    let (length, rest) = rest.split_first_chunk::<4>().ok_or_else(wrong)?;
    let (header, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or_else(wrong)?;
    let header: Header = serde_json::from_slice(header).map_err(|_| wrong())?;
    let (image, code) = rest.split_at_checked(header.image_bytes).ok_or_else(wrong)?;
    // SAFETY: as the caller vouches for.
    let module = unsafe { load_code(code) }?;
    Ok(Artefact { module, meta: header.meta, image: image.to_vec(), dylink: header.dylink })
}

/// Machine code goes through a sealed file: its pages are shared and mapped on demand, and nothing can change them between
/// the check and the use. From a path of its own in /proc, since Wasmtime maps files by path.
///
/// # Safety
/// `code` was made by Wasmtime's compiler.
unsafe fn load_code(code: &[u8]) -> Result<Module, Fault> {
    let fd = memfd_create(c"faaslet-code", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)
        .map_err(|e| Fault::capacity("machine code", e))?;
    let mut file = File::from(fd);
    file.write_all(code).map_err(|e| Fault::capacity("machine code", e))?;
    fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE | SealFlags::SEAL)
        .map_err(Fault::bug)?;
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    // SAFETY: as the caller vouches for; the file can no longer change.
    unsafe { Module::deserialize_file(engine()?, path) }.map_err(|e| Fault::new("ERR_ARTEFACT", format!("{e:#}")))
}
