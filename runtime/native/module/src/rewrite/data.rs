//! What the memory holds at the start.

use wasmparser::DataKind;

use crate::constant;
use crate::meta::{ModuleMeta, Piece};
use crate::parsed::Parsed;
use crate::refusal::Refusal;

/// Zeros between two pieces that are stored with them: fewer bytes than the description of a piece takes.
const GAP_MAX: u64 = 64;

/// The bytes of an active segment, and where they go.
struct Placed<'a> {
    offset: u64,
    bytes: &'a [u8],
}

impl Placed<'_> {
    fn end(&self) -> u64 {
        self.offset + self.bytes.len() as u64
    }
}

/// Copies the bytes of active segments into the image.
pub fn take(parsed: &Parsed<'_>, meta: &mut ModuleMeta) -> Result<(), Refusal> {
    let mut placed = Vec::new();
    for (index, segment) in parsed.data.iter().enumerate() {
        let DataKind::Active { offset_expr, .. } = &segment.kind else { continue };
        let segment = Placed { offset: constant::offset(offset_expr)?.into(), bytes: segment.data };
        if segment.end() > parsed.memory_bytes() {
            return Err(Refusal::invalid(format!("data segment {index} lies outside the memory at its start")));
        }
        placed.push(segment);
    }
    place(&placed, meta);
    Ok(())
}

/// As `take`, for a library: where its memory begins is known when it is opened.
pub fn take_relative(
    parsed: &Parsed<'_>,
    base: Option<u32>,
    bytes_max: u32,
    meta: &mut ModuleMeta,
) -> Result<(), Refusal> {
    let mut placed = Vec::new();
    for (index, segment) in parsed.data.iter().enumerate() {
        let DataKind::Active { offset_expr, .. } = &segment.kind else { continue };
        let outside = || Refusal::invalid(format!("data segment {index} lies outside the library's memory"));
        let offset = constant::offset_from(base.ok_or_else(outside)?, offset_expr)?;
        let segment = Placed { offset: offset.into(), bytes: segment.data };
        if segment.end() > bytes_max.into() {
            return Err(outside());
        }
        placed.push(segment);
    }
    place(&placed, meta);
    Ok(())
}

fn place(placed: &[Placed<'_>], meta: &mut ModuleMeta) {
    let mut ascending: Vec<&Placed<'_>> = placed.iter().filter(|segment| !segment.bytes.is_empty()).collect();
    ascending.sort_by_key(|segment| segment.offset);
    if ascending.windows(2).all(|pair| pair[0].end() <= pair[1].offset) {
        ascending.into_iter().for_each(|segment| join(meta, segment));
    } else {
        // Later ones win, with their zeros.
        placed.iter().for_each(|segment| push(meta, segment.offset, segment.bytes));
    }
}

/// Toolchains cut their data at runs of zeros into tens of thousands of segments; neighbours become one piece again. Memory is
/// zero at first: the zeros at an end need no room.
fn join(meta: &mut ModuleMeta, segment: &Placed<'_>) {
    let length = segment.bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    let bytes = &segment.bytes[..length];
    let end = meta.image.last().map(|last| last.offset + last.length as u64);
    match (meta.image.last_mut(), end.map(|end| segment.offset - end)) {
        (Some(last), Some(gap)) if gap <= GAP_MAX && !bytes.is_empty() => {
            last.length += gap as usize + bytes.len();
            meta.image_bytes.resize(meta.image_bytes.len() + gap as usize, 0);
            meta.image_bytes.extend_from_slice(bytes);
        }
        _ => push(meta, segment.offset, bytes),
    }
}

fn push(meta: &mut ModuleMeta, offset: u64, bytes: &[u8]) {
    if !bytes.is_empty() {
        meta.image.push(Piece { offset, start: meta.image_bytes.len(), length: bytes.len() });
        meta.image_bytes.extend_from_slice(bytes);
    }
}
