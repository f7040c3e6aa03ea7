//! Copies between host memory and memory that other Faaslets may write meanwhile: a linear memory in which regions can be
//! mapped. Nothing in here, and nothing elsewhere, makes a reference to such bytes: they are moved word by word, atomically, so
//! that a race with a guest is a mix of old and new bytes and never undefined behaviour.

use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};

const WORD: usize = size_of::<u64>();

/// Copies out of shared memory.
///
/// # Safety
/// `from` is valid for reads of `to.len()` bytes, which nothing in this process accesses other than atomically, by guest code,
/// or by the kernel.
pub unsafe fn copy_from_shared(from: *const u8, to: &mut [MaybeUninit<u8>]) {
    let (head, words, tail) = split(from, to.len());
    let to = to.as_mut_ptr().cast::<u8>();
    // SAFETY: all offsets are below `to.len()`, for which both sides are valid; word accesses to the shared side are aligned
    // by `split`, those to ours are unaligned writes. An atomic made from a `*mut` that is only loaded from does not write.
    unsafe {
        for at in (0..head).chain(head + words * WORD..head + words * WORD + tail) {
            to.add(at).write(AtomicU8::from_ptr(from.add(at).cast_mut()).load(Relaxed));
        }
        for word in 0..words {
            let at = head + word * WORD;
            let value = AtomicU64::from_ptr(from.add(at).cast_mut().cast()).load(Relaxed);
            to.add(at).cast::<u64>().write_unaligned(value);
        }
    }
}

/// Copies into shared memory.
///
/// # Safety
/// `to` is valid for writes of `from.len()` bytes, which nothing in this process accesses other than atomically, by guest
/// code, or by the kernel.
pub unsafe fn copy_to_shared(from: &[u8], to: *mut u8) {
    let (head, words, tail) = split(to, from.len());
    let from = from.as_ptr();
    // SAFETY: as in `copy_from_shared`, with the sides exchanged.
    unsafe {
        for at in (0..head).chain(head + words * WORD..head + words * WORD + tail) {
            AtomicU8::from_ptr(to.add(at)).store(from.add(at).read(), Relaxed);
        }
        for word in 0..words {
            let at = head + word * WORD;
            AtomicU64::from_ptr(to.add(at).cast()).store(from.add(at).cast::<u64>().read_unaligned(), Relaxed);
        }
    }
}

/// Bytes before the first aligned word, whole words, bytes after the last.
fn split(shared: *const u8, length: usize) -> (usize, usize, usize) {
    let head = shared.addr().wrapping_neg() % WORD;
    let head = head.min(length);
    let words = (length - head) / WORD;
    (head, words, length - head - words * WORD)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_exact_at_every_alignment_and_length() {
        let source: Vec<u8> = (0..96u8).map(|value| value.wrapping_mul(37)).collect();
        for start in 0..16 {
            for length in 0..64 {
                let mut there = vec![0xeeu8; 96];
                // SAFETY: both ranges lie in the vectors, which nobody else uses.
                unsafe { copy_to_shared(&source[3..3 + length], there.as_mut_ptr().add(start)) };
                assert_eq!(there[start..start + length], source[3..3 + length]);
                assert!(there[..start].iter().chain(&there[start + length..]).all(|byte| *byte == 0xee));
                let mut back = vec![MaybeUninit::new(0xddu8); length];
                // SAFETY: as above.
                unsafe { copy_from_shared(there.as_ptr().add(start), &mut back) };
                // SAFETY: every byte was initialised when the vector was made.
                let back: Vec<u8> = back.iter().map(|byte| unsafe { byte.assume_init() }).collect();
                assert_eq!(back, source[3..3 + length]);
            }
        }
    }
}
