//! What the parts promise each other, and what a hostile guest would look for in memory that others used before (H11).

use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, fstat, ftruncate, memfd_create};

use super::image::{Image, PAGE};
use super::linear::Shape;
use super::private::Runs;
use super::slot::Slot;
use crate::fault::Fault;

const MIB: usize = 1 << 20;

/// Blocks of 512 bytes that a file's pages take.
fn blocks(image: &Image) -> Result<i64, Fault> {
    fstat(image.file()).map(|stat| stat.st_blocks).map_err(Fault::bug)
}

/// A byte of a slot, which has to be accessible.
fn byte(slot: &Slot, at: usize) -> u8 {
    // SAFETY: the tests read what they mapped.
    unsafe { slot.base().as_ptr().add(at).read_volatile() }
}

fn write(slot: &Slot, at: usize, value: u8) {
    // SAFETY: as above.
    unsafe { slot.base().as_ptr().add(at).write_volatile(value) }
}

/// The permissions of the mapping that an address lies in.
fn permissions(slot: &Slot, at: usize) -> Option<String> {
    let address = slot.base().as_ptr().addr() + at;
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    maps.lines().find_map(|line| {
        let (range, rest) = line.split_once(' ')?;
        let (start, end) = range.split_once('-')?;
        let bound = |text| usize::from_str_radix(text, 16).ok();
        (bound(start)? <= address && address < bound(end)?).then(|| rest.chars().take(4).collect())
    })
}

fn image(bytes: usize, pieces: &[(usize, &[u8])]) -> Result<Arc<Image>, Fault> {
    Image::from_pieces(bytes, pieces.iter().copied()).map(Arc::new)
}

fn mapped(image: &Arc<Image>) -> Result<Slot, Fault> {
    let mut slot = Slot::take_with(image)?;
    slot.soil();
    Ok(slot)
}

fn snapshot(slot: &Slot, bytes: usize, before: &Image) -> Result<Arc<Image>, Fault> {
    // SAFETY: the slot is mapped for so many bytes and nobody else uses it.
    unsafe { Image::of_memory(slot.base().as_ptr(), bytes, before) }.map(Arc::new)
}

fn contents(image: &Image) -> Result<Vec<u8>, Fault> {
    let mut bytes = vec![0; image.bytes()];
    let file = std::fs::File::from(image.file().try_clone_to_owned().map_err(Fault::bug)?);
    file.read_exact_at(&mut bytes[..image.mapped_bytes()], 0).map_err(Fault::bug)?;
    Ok(bytes)
}

#[test]
fn an_image_keeps_only_pages_that_hold_something() -> Result<(), Fault> {
    let empty = image(16 * PAGE, &[])?;
    let slot = mapped(&empty)?;
    for (at, value) in [(5 * PAGE + 7, 1), (6 * PAGE, 2), (9 * PAGE, 0), (15 * PAGE + 4095, 3)] {
        write(&slot, at, value);
    }
    let taken = snapshot(&slot, 16 * PAGE, &empty)?;
    assert_eq!((taken.kept_bytes(), taken.mapped_bytes()), (3 * PAGE, 16 * PAGE));
    let mut expected = vec![0; 16 * PAGE];
    (expected[5 * PAGE + 7], expected[6 * PAGE], expected[15 * PAGE + 4095]) = (1, 2, 3);
    assert!(contents(&taken)? == expected);
    Ok(())
}

#[test]
fn an_image_cannot_be_changed_or_shrunk() -> Result<(), Fault> {
    let image = image(2 * PAGE, &[(10, b"abc")])?;
    let file = std::fs::File::from(image.file().try_clone_to_owned().map_err(Fault::bug)?);
    assert!(file.write_all_at(b"x", 0).is_err());
    assert!(ftruncate(&file, 0).is_err());
    assert!(ftruncate(&file, 1 << 30).is_err());
    Ok(())
}

#[test]
fn a_piece_outside_the_memory_is_refused() {
    for piece in [(PAGE - 1, &b"ab"[..]), (PAGE + 1, b""), (usize::MAX, b"ab")] {
        let refused = Image::from_pieces(PAGE, [piece].into_iter());
        assert_eq!(refused.err().map(|fault| fault.code), Some("ERR_ARTEFACT"));
    }
}

#[test]
fn a_tail_of_zeros_is_plain_memory() -> Result<(), Fault> {
    for (bytes, pieces, expected) in [
        (64 * MIB, &[][..], 0),
        (64 * MIB, &[(3 * PAGE - 1, &b"x"[..])][..], 3 * PAGE),
        (64 * MIB, &[(64 * MIB - 1, &b"x"[..])][..], 64 * MIB),
        (64 * MIB, &[(64 * MIB, &b""[..])][..], 0),
        // Not worth a mapping.
        (16 * PAGE, &[(0, &b"x"[..])][..], 16 * PAGE),
        (16 * PAGE, &[][..], 0),
    ] {
        assert_eq!(image(bytes, pieces)?.mapped_bytes(), expected);
    }
    let image = image(64 * MIB, &[(0, b"data")])?;
    let mut slot = mapped(&image)?;
    for at in (PAGE..64 * MIB).step_by(PAGE) {
        write(&slot, at, 1);
    }
    slot.drop_private_pages(0, 64 * MIB)?;
    assert!((0..64 * MIB).step_by(PAGE).all(|at| byte(&slot, at) == if at == 0 { b'd' } else { 0 }));
    assert!(blocks(&image)? <= 8, "nothing of the tail came to be in the file");
    Ok(())
}

/// A look at a page of a hole would put it into the file, for as long as the function lives.
#[test]
fn a_snapshot_does_not_fill_the_holes_of_what_it_looks_at() -> Result<(), Fault> {
    let before = image(64 * MIB, &[(0, b"first"), (64 * MIB - 1, b"x")])?;
    let mut slot = mapped(&before)?;
    slot.open(64 * MIB, 96 * MIB)?;
    write(&slot, 32 * MIB, 7);
    write(&slot, 96 * MIB - 1, 8);
    let taken = snapshot(&slot, 96 * MIB, &before)?;
    assert_eq!((taken.kept_bytes(), taken.mapped_bytes()), (4 * PAGE, 96 * MIB));
    let bytes = contents(&taken)?;
    assert_eq!((&bytes[..5], bytes[64 * MIB - 1], bytes[32 * MIB], bytes[96 * MIB - 1]), (&b"first"[..], b'x', 7, 8));
    assert!(blocks(&before)? <= 3 * 8, "two pages of data and the page that was written");
    Ok(())
}

/// Whatever was written, grown and reset before: a snapshot is the memory, byte for byte.
#[test]
fn a_snapshot_is_the_memory_whatever_was_done_to_it() -> Result<(), Fault> {
    let mut seed = 0x2545_f491_u32;
    let mut below = |bound: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 17;
        seed ^= seed << 5;
        seed as usize % bound
    };
    for _ in 0..200 {
        let bytes = (1 + below(8)) * 64 * 1024 * (1 + 15 * below(2));
        let pieces: Vec<_> = (0..below(4)).map(|_| (below(bytes - 4), &b"data"[..])).collect();
        let before = image(bytes, &pieces)?;
        let mut slot = mapped(&before)?;
        let grown = bytes + below(3) * 64 * 1024;
        slot.open(bytes, grown)?;
        for _ in 0..below(20) {
            write(&slot, below(grown), below(3) as u8);
        }
        if below(4) == 0 {
            slot.drop_private_pages(0, bytes)?;
        }
        let taken = snapshot(&slot, grown, &before)?;
        let live: Vec<u8> = (0..grown).map(|at| byte(&slot, at)).collect();
        assert!(contents(&taken)? == live);
        let restored = mapped(&taken)?;
        assert!((0..grown).all(|at| byte(&restored, at) == live[at]));
    }
    Ok(())
}

/// H11: the range of addresses is the same, what is in it is not.
#[test]
fn a_slot_that_is_used_again_is_empty_and_as_small_as_its_owner_wants_it() -> Result<(), Fault> {
    // Taken by no other test meanwhile: each takes its own out of the list before it gives one back.
    for attempt in 0..100 {
        let large = image(4 * MIB, &[(0, b"secret"), (4 * MIB - 6, b"secret")])?;
        let mut slot = mapped(&large)?;
        slot.open(4 * MIB, 8 * MIB)?;
        for at in (0..8 * MIB).step_by(PAGE) {
            write(&slot, at, 0x5a);
        }
        let base = slot.base();
        drop(slot);
        let mut small = Slot::take()?;
        if small.base() != base && attempt < 99 {
            continue;
        }
        assert_eq!(small.base(), base, "the slot that was given back last is given out first");
        assert_eq!(permissions(&small, 0).as_deref(), Some("---p"));
        let empty = image(PAGE, &[])?;
        small.map_image(&empty)?;
        assert!((0..PAGE).all(|at| byte(&small, at) == 0));
        for at in [PAGE, 2 * PAGE, 4 * MIB - 1, 4 * MIB, 8 * MIB - 1, 8 * MIB] {
            assert_eq!(permissions(&small, at).as_deref(), Some("---p"), "at {at:#x}");
        }
        small.open(PAGE, 8 * MIB)?;
        assert!((0..8 * MIB).step_by(PAGE).all(|at| byte(&small, at) == 0));
        small.close(PAGE)?;
        assert_eq!(permissions(&small, PAGE).as_deref(), Some("---p"));
        return Ok(());
    }
    Ok(())
}

/// H11: a slot keeps the image that lies in it only when it is as clean as just mapped, and never for another image.
#[test]
fn a_slot_keeps_its_image_for_the_next_memory_of_it_alone() -> Result<(), Fault> {
    let (ours, others) = (image(64 * 1024, &[(0, b"ours")])?, image(64 * 1024, &[(0, b"others")])?);
    let mut slot = mapped(&ours)?;
    let base = slot.base();
    slot.open(64 * 1024, 128 * 1024)?;
    for at in (0..128 * 1024).step_by(PAGE) {
        write(&slot, at, 0x5a);
    }
    slot.clean(false)?;
    drop(slot);
    let stranger = Slot::take_with(&others)?;
    assert!(stranger.base() != base && byte(&stranger, 0) == b'o' && byte(&stranger, 1) == b't');
    let mut again = Slot::take_with(&ours)?;
    assert_eq!(again.base(), base, "the mapping was kept");
    assert_eq!((0..4).map(|at| byte(&again, at)).collect::<Vec<_>>(), b"ours");
    assert!((4..64 * 1024).all(|at| byte(&again, at) == 0));
    assert_eq!(permissions(&again, 64 * 1024).as_deref(), Some("---p"), "what it grew by is gone");
    // Used and not cleaned: whatever took it next would see that.
    again.soil();
    write(&again, 0, b'x');
    drop(again);
    assert_eq!(byte(&Slot::take_with(&ours)?, 0), b'o');
    Ok(())
}

/// A mapping in a free slot would keep the whole file in memory.
#[test]
fn an_image_that_goes_leaves_no_mapping_behind() -> Result<(), Fault> {
    let image = image(64 * 1024, &[(0, b"data")])?;
    let slot = Slot::take_with(&image)?;
    let (base, number) = (slot.base(), format!("{:x}-", slot.base().as_ptr().addr()));
    drop(slot);
    let lies_there = || {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
        maps.lines().any(|line| line.starts_with(&number) && line.contains("faaslet-image"))
    };
    assert!(lies_there(), "{base:?} keeps its image");
    drop(image);
    assert!(!lies_there());
    Ok(())
}

/// A file that others change, shown in the middle of an image and behind it: gone with the reset, all of it.
#[test]
fn shared_pages_are_gone_after_a_reset() -> Result<(), Fault> {
    let image = Arc::new(image(4 * MIB, &[(0, b"first"), (2 * MIB, b"middle"), (4 * MIB - 1, b"x")])?);
    let shape = Shape::of(&image)?;
    let region = memfd_create(c"test", MemfdFlags::ALLOW_SEALING).map_err(Fault::bug)?;
    ftruncate(&region, MIB as u64).map_err(Fault::bug)?;
    fcntl_add_seals(&region, SealFlags::SHRINK).map_err(Fault::bug)?;
    let at = |offset: usize| shape.base().as_ptr().wrapping_add(offset);
    for may_hold in [false, true, false] {
        shape.soil()?;
        shape.grow_to(8 * MIB)?;
        for (place, length) in [(2 * MIB, 2 * PAGE), (4 * MIB - PAGE, 2 * PAGE), (6 * MIB, MIB)] {
            // SAFETY: the file is as long as any of these parts and sealed; the test touches the pages with volatile accesses.
            unsafe { shape.map_shared(place, length, region.as_fd(), 0) }?;
            assert!(
                shape.has_shared(place + length - 1, place + length)
                    && !shape.has_shared(place + length, place + length + 1)
            );
            // SAFETY: as above; over another one it is refused, and nothing is mapped.
            assert!(unsafe { shape.map_shared(place + PAGE, PAGE, region.as_fd(), 0) }.is_err());
        }
        // SAFETY: as above; outside of the memory and between pages it is refused.
        assert!(unsafe { shape.map_shared(8 * MIB - PAGE, 2 * PAGE, region.as_fd(), 0) }.is_err());
        // SAFETY: as above.
        assert!(unsafe { shape.map_shared(PAGE + 1, PAGE, region.as_fd(), 0) }.is_err());
        // SAFETY: what was mapped just now.
        unsafe { at(6 * MIB + 7).write_volatile(42) };
        // SAFETY: as above: both show the first page of the file.
        assert_eq!(unsafe { at(2 * MIB + 7).read_volatile() }, 42);
        assert!(shape.reset(may_hold)?);
        assert_eq!(shape.bytes(), 4 * MIB);
        assert!(!shape.has_shared(0, 8 * MIB));
        // SAFETY: the memory is private again, and nobody else has it.
        let bytes = unsafe { std::slice::from_raw_parts(at(0), 4 * MIB) };
        assert!(bytes == contents(&image)?, "byte for byte the image");
    }
    let mut first = [0; 8];
    std::fs::File::from(region).read_exact_at(&mut first, 0).map_err(Fault::bug)?;
    assert_eq!(first[7], 42, "the file stays as it is");
    Ok(())
}

/// H09: what a guest wrote anywhere is gone, whether its pages were dropped or written back.
#[test]
fn a_cleaned_memory_is_the_image_whatever_was_written() -> Result<(), Fault> {
    let bytes = 4 * MIB;
    let image = image(bytes, &[(0, b"first"), (5 * PAGE - 2, b"over a boundary"), (600 * 1024, b"last")])?;
    assert!(image.mapped_bytes() < bytes, "there is a tail of zeros");
    let expected: Vec<u8> = contents(&image)?;
    let mut slot = mapped(&image)?;
    let mut seed = 0x9e37_79b9_u32;
    let mut below = |bound: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 17;
        seed ^= seed << 5;
        seed as usize % bound
    };
    for round in 0..100 {
        let grown = bytes + below(3) * 64 * 1024;
        slot.open(bytes, grown)?;
        let writes = if round % 10 == 9 { 2_000 } else { 1 + below(20) };
        for _ in 0..writes {
            write(&slot, below(grown), 1 + below(255) as u8);
        }
        assert_eq!(slot.clean(true)?, bytes);
        assert!((0..bytes).all(|at| byte(&slot, at) == expected[at]), "round {round}");
        if writes > 2 * 256 {
            assert!(!slot.holds_pages(), "so many pages are dropped");
        }
        slot.soil();
    }
    Ok(())
}

/// Pages that were written back stay until they are asked for; the kernel says so.
#[test]
fn a_cleaned_memory_holds_pages_only_as_long_as_it_may() -> Result<(), Fault> {
    let image = image(MIB, &[(0, &[7; 3 * PAGE])])?;
    let mut slot = mapped(&image)?;
    for at in [0, PAGE, 200 * 1024] {
        write(&slot, at, 1);
    }
    let private = |slot: &Slot| Runs::find(slot.base(), MIB, 256).map(|runs| runs.pages());
    let Some(found) = private(&slot) else {
        println!(
            "skipped: a_cleaned_memory_holds_pages_only_as_long_as_it_may: this kernel does not list private pages"
        );
        return Ok(());
    };
    assert_eq!(found, 3);
    slot.clean(true)?;
    assert_eq!((slot.holds_pages(), private(&slot)), (true, Some(3)));
    slot.drop_held_pages()?;
    assert_eq!((slot.holds_pages(), private(&slot)), (false, Some(0)));
    assert_eq!((byte(&slot, 0), byte(&slot, PAGE), byte(&slot, 200 * 1024)), (7, 7, 0));
    // Nothing is held after a cleaning that may not, and in a slot that nobody has.
    write(&slot, 0, 1);
    slot.clean(false)?;
    assert_eq!((slot.holds_pages(), private(&slot)), (false, Some(0)));
    write(&slot, 0, 1);
    slot.clean(true)?;
    let base = slot.base();
    drop(slot);
    let again = Slot::take_with(&image)?;
    assert_eq!((again.base(), private(&again)), (base, Some(0)));
    Ok(())
}
