//! An image in chunks of 64 KiB, those that are zero left out: as it is written down and read back.

use super::image::{Image, PAGE, is_zero};
use super::written::data_of;
use crate::fault::Fault;

/// One page of linear memory.
pub const CHUNK: usize = 65_536;

impl Image {
    /// Adds the chunks that hold something to `bytes`, whole and in their order; gives their numbers. Nothing when `bytes` would
    /// have more than `max`.
    pub fn chunks(&self, bytes: &mut Vec<u8>, max: usize) -> Result<Option<Vec<u32>>, Fault> {
        let mut numbers: Vec<u32> = Vec::new();
        let mut chunk = vec![0; CHUNK];
        for (start, end) in data_of(self, self.mapped_bytes()) {
            for number in start / CHUNK..end.div_ceil(CHUNK) {
                let number = u32::try_from(number).map_err(Fault::bug)?;
                if numbers.last().is_some_and(|last| *last >= number) {
                    continue;
                }
                self.read(number as usize * CHUNK, &mut chunk)?;
                if is_zero(&chunk) {
                    continue;
                }
                if bytes.len() + CHUNK > max {
                    return Ok(None);
                }
                bytes.extend_from_slice(&chunk);
                numbers.push(number);
            }
        }
        Ok(Some(numbers))
    }

    /// The image of which those are the chunks; pages of them that are zero take no room in it.
    pub fn from_chunks<'a>(memory_bytes: usize, chunks: impl Iterator<Item = (u32, &'a [u8])>) -> Result<Self, Fault> {
        let pieces = chunks.flat_map(|(number, chunk)| {
            let start = number as usize * CHUNK;
            page_runs(chunk).into_iter().map(move |(offset, run)| (start + offset, run))
        });
        Self::from_pieces(memory_bytes, pieces)
    }
}

/// The runs of pages that hold something, with their offsets.
fn page_runs(chunk: &[u8]) -> Vec<(usize, &[u8])> {
    let mut runs = Vec::new();
    let mut run: Option<usize> = None;
    for offset in (0..=chunk.len()).step_by(PAGE) {
        let holds = chunk.get(offset..offset + PAGE).is_some_and(|page| !is_zero(page));
        match (run, holds) {
            (None, true) => run = Some(offset),
            (Some(start), false) => {
                runs.extend(chunk.get(start..offset).map(|bytes| (start, bytes)));
                run = None;
            }
            _ => {}
        }
    }
    runs
}
