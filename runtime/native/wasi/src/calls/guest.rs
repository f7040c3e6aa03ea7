//! Reading and checking what a guest points at.

use wiggle::{GuestMemory, GuestPtr};

use crate::abi::types::{CiovecArray, Errno, IovecArray};
use crate::failure::Result;
use crate::files::PATH_MAX;

/// Buffers that one call may name (POSIX's IOV_MAX on Linux).
const BUFFERS_MAX: u32 = 1024;
/// Bytes that one call moves at most; more is a short read or write. Bounds the time until the deadline is looked at.
const BYTES_MAX: u32 = 16 << 20;

/// A range of guest memory.
pub type Piece = (GuestPtr<u8>, u32);

/// A path or a link's target, copied.
pub fn string(memory: &GuestMemory<'_>, text: GuestPtr<str>) -> Result<String> {
    if text.len() as usize > PATH_MAX {
        return Err(Errno::Nametoolong.into());
    }
    let bytes = memory.to_vec(text.as_bytes())?;
    Ok(String::from_utf8(bytes).map_err(|_| Errno::Ilseq)?)
}

/// Fails unless the whole range is in memory.
pub fn check(memory: &GuestMemory<'_>, start: GuestPtr<u8>, length: u32) -> Result<()> {
    let size = match memory {
        GuestMemory::Shared(bytes) => bytes.len(),
        GuestMemory::Unshared(bytes) => bytes.len(),
    };
    let end = u64::from(start.offset()) + u64::from(length);
    if end > size as u64 { Err(Errno::Fault.into()) } else { Ok(()) }
}

/// The buffers to write from, checked, within the bound of one call.
pub fn sources(memory: &GuestMemory<'_>, list: CiovecArray) -> Result<Vec<Piece>> {
    let mut pieces = Pieces::new(list.len())?;
    for item in list.iter() {
        let item = memory.read(item?)?;
        pieces.add(memory, item.buf, item.buf_len)?;
    }
    Ok(pieces.pieces)
}

/// The buffers to read into, checked, within the bound of one call.
pub fn targets(memory: &GuestMemory<'_>, list: IovecArray) -> Result<Vec<Piece>> {
    let mut pieces = Pieces::new(list.len())?;
    for item in list.iter() {
        let item = memory.read(item?)?;
        pieces.add(memory, item.buf, item.buf_len)?;
    }
    Ok(pieces.pieces)
}

struct Pieces {
    pieces: Vec<Piece>,
    room: u32,
}

impl Pieces {
    fn new(count: u32) -> Result<Self> {
        if count > BUFFERS_MAX {
            return Err(Errno::Inval.into());
        }
        Ok(Self { pieces: Vec::new(), room: BYTES_MAX })
    }

    fn add(&mut self, memory: &GuestMemory<'_>, start: GuestPtr<u8>, length: u32) -> Result<()> {
        check(memory, start, length)?;
        let length = length.min(self.room);
        self.room -= length;
        if length > 0 {
            self.pieces.push((start, length));
        }
        Ok(())
    }
}
