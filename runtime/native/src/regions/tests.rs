//! What regions promise whoever shares them: nothing written is lost by a merge, nothing is counted that is not there, and no
//! order of events leaves a value that is not what it should be.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::ftruncate;
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

use super::region::Region;
use super::table::{RegionLimits, Regions};
use super::{CHUNK, HASH_BYTES, Head, Here, Mode, Selection};
use crate::fault::Fault;

const LENGTH: usize = CHUNK as usize;

fn regions(chunks: u64) -> Arc<Regions> {
    Regions::new(RegionLimits {
        bytes_max: chunks * CHUNK,
        regions_max: 8,
        mappings_max: 8,
        faaslet_mappings_max: 8,
        value_bytes_max: 1 << 30,
        record_bytes_max: 65_536,
    })
}

fn head(version: u8, chunks: &[u8]) -> Head {
    let hashes = chunks.iter().flat_map(|seed| [*seed; HASH_BYTES]).collect();
    Head { version: format!("{version:020}").into(), bytes: chunks.len() as u64 * CHUNK, hashes }
}

/// A value of whole chunks, each of one byte, as if it had been pulled.
fn pulled(region: &Region, version: u8, chunks: &[u8]) -> Result<(), Fault> {
    for (index, seed) in chunks.iter().enumerate() {
        region.fill(index, &vec![*seed; LENGTH], false)?;
    }
    region.commit(&head(version, chunks), false)
}

fn write(region: &Region, offset: u64, byte: u8, length: u64) -> Result<(), Fault> {
    region.write(offset, length, &mut |_, bytes| {
        bytes.fill(byte);
        Ok(())
    })
}

fn read(region: &Region, offset: u64, length: u64) -> Result<Vec<u8>, Fault> {
    let mut all = Vec::new();
    region.read(offset, length, &mut |_, bytes| {
        all.extend_from_slice(bytes);
        Ok(())
    })?;
    Ok(all)
}

const EVERYTHING: Selection = Selection { ranges: None, mask: None };

#[test]
fn a_region_never_shrinks() -> Result<(), Fault> {
    let region = regions(4).region("k")?;
    pulled(&region, 1, &[7])?;
    assert!(ftruncate(region.fd()?, 0).is_err());
    assert!(ftruncate(region.fd()?, CHUNK - 1).is_err());
    Ok(())
}

/// A guest that writes its bytes of each word all the time, and merges that bring others' bytes: both are there in the end.
#[test]
fn a_merge_loses_nothing_that_is_written_meanwhile() -> Result<(), Fault> {
    const ROUNDS: u8 = 200;
    let region = regions(8).region("k")?;
    pulled(&region, 1, &[0])?;
    assert!(region.prepare_mapping(0, CHUNK)?);
    let flags = MapFlags::SHARED;
    // SAFETY: a new mapping; the region has that many bytes and cannot shrink.
    let base =
        unsafe { mmap(std::ptr::null_mut(), LENGTH, ProtFlags::READ | ProtFlags::WRITE, flags, region.fd()?, 0) }
            .map_err(Fault::bug)?;
    let (address, ended) = (base.addr(), Arc::new(AtomicBool::new(false)));
    let stop = ended.clone();
    let guest = std::thread::spawn(move || {
        let base = std::ptr::with_exposed_provenance_mut::<u8>(address);
        let (mut value, mut lost) = (0u8, 0);
        while !stop.load(Ordering::SeqCst) {
            let before = value;
            value = value.wrapping_add(1);
            for at in (0..LENGTH).step_by(8) {
                // SAFETY: the mapping is there until the thread is joined. As guest code: it knows of no atomics.
                unsafe {
                    lost += u32::from(base.add(at + 3).read_volatile() != before);
                    base.add(at + 3).write_volatile(value);
                }
            }
        }
        (value, lost)
    });
    base.expose_provenance();
    for round in 1..=ROUNDS {
        let mut theirs = vec![0; LENGTH];
        theirs.iter_mut().skip(5).step_by(8).for_each(|byte| *byte = round);
        region.fill(0, &theirs, true)?;
        region.commit(&head(round + 1, &[round]), true)?;
    }
    ended.store(true, Ordering::SeqCst);
    let (last, lost) = guest.join().map_err(|_| Fault::bug("the guest panicked"))?;
    assert_eq!(lost, 0, "the guest finds what it wrote");
    let bytes = read(&region, 0, CHUNK)?;
    for (at, byte) in bytes.iter().enumerate() {
        let expected = match at % 8 {
            3 => last,
            5 => ROUNDS,
            _ => 0,
        };
        assert_eq!(*byte, expected, "at {at}");
    }
    // SAFETY: nothing refers to the mapping any more.
    unsafe { munmap(base, LENGTH) }.map_err(Fault::bug)?;
    region.unmapped();
    Ok(())
}

#[test]
fn what_changes_while_it_is_pushed_is_pushed_the_next_time() -> Result<(), Fault> {
    let region = regions(16).region("k")?;
    pulled(&region, 1, &[1, 2, 3])?;
    write(&region, CHUNK + 10, 9, 1)?;
    let changes = region.begin_push(&EVERYTHING)?.ok_or_else(|| Fault::bug("nothing to push"))?;
    assert_eq!(changes.chunks, [1]);
    let sent = region.take(1)?.unwrap_or_default();
    write(&region, CHUNK + 11, 8, 1)?;
    assert_eq!(region.take(1)?.as_deref(), Some(&sent[..]), "the same bytes until the push has ended");
    assert_eq!((sent[10], sent[11]), (9, 2));
    region.settle(&head(2, &[1, 12, 3]))?;
    let changes = region.begin_push(&EVERYTHING)?.ok_or_else(|| Fault::bug("nothing to push"))?;
    assert_eq!(changes.chunks, [1]);
    assert_eq!(region.twin(1)?.as_deref(), Some(&sent[..]), "what was sent is what it was made from");
    region.abort_push()?;
    let changes = region.begin_push(&EVERYTHING)?.ok_or_else(|| Fault::bug("nothing to push"))?;
    assert_eq!(changes.chunks, [1], "a push that failed sent nothing");
    region.take(1)?;
    region.settle(&head(3, &[1, 13, 3]))?;
    assert!(region.begin_push(&EVERYTHING)?.is_some_and(|changes| changes.chunks.is_empty()));
    region.abort_push()?;
    assert_eq!(&*region.stat().version, "00000000000000000003");
    Ok(())
}

#[test]
fn a_pull_that_fails_leaves_what_can_be_pushed_and_pulled_again() -> Result<(), Fault> {
    let table = regions(16);
    let region = table.region("k")?;
    region.fill(0, &[1; 10], false)?;
    assert_eq!(region.look(0, 1), Here::Unknown, "nothing counts before it is committed");
    region.abort_pull()?;
    assert_eq!(table.budget.used_bytes(), 0);
    pulled(&region, 1, &[1, 2])?;
    write(&region, 5, 7, 1)?;
    region.fill(0, &vec![4; LENGTH], false)?;
    region.abort_pull()?;
    let hashes = region.hashes()?;
    assert_eq!(
        (&hashes[..HASH_BYTES], hashes[HASH_BYTES]),
        (&[0; HASH_BYTES][..], 2),
        "the first chunk is asked for again"
    );
    pulled(&region, 2, &[5, 2])?;
    assert_eq!(read(&region, 0, 8)?, [5; 8]);
    assert!(table.drop_clean("k")?);
    assert_eq!(table.budget.used_bytes(), 0);
    Ok(())
}

#[test]
fn a_region_goes_only_when_nobody_needs_it_and_nothing_is_lost() -> Result<(), Fault> {
    let table = regions(16);
    let region = table.region("k")?;
    pulled(&region, 1, &[1, 2])?;
    write(&region, 0, 9, 1)?;
    assert!(!table.drop_clean("k")?, "it was changed");
    write(&region, 0, 1, 1)?;
    let pin = region.pin();
    assert!(pin.is_some() && !table.drop_clean("k")?, "a call is about to use it");
    drop(pin);
    assert!(region.prepare_mapping(0, 2 * CHUNK)?);
    assert!(!table.drop_clean("k")?, "it is mapped");
    region.unmapped();
    assert_eq!(region.lock.try_take(Mode::Read), super::Attempt::Taken);
    assert!(!table.drop_clean("k")?, "its lock is held");
    region.lock.release(Mode::Read);
    assert!(region.begin_push(&EVERYTHING)?.is_some());
    assert!(!table.drop_clean("k")?, "it is being pushed");
    region.abort_push()?;
    assert!(table.drop_clean("k")?);
    assert!(region.pin().is_none(), "whoever still has it looks it up again");
    assert_eq!(region.lock.try_take(Mode::Read), super::Attempt::Gone);
    assert_eq!(table.budget.used_bytes(), 0, "its memory is free although somebody has it");
    assert!(!Arc::ptr_eq(&table.region("k")?, &region));
    Ok(())
}

/// Random events on one value, and the same on plain vectors: what is here, what is sent and what is counted agree.
#[test]
fn no_order_of_events_loses_or_invents_a_byte() -> Result<(), Fault> {
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut below = move |bound: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % bound
    };
    for round in 0..60 {
        let table = regions(64);
        let region = table.region("k")?;
        let (mut here, mut there): (Vec<u8>, Vec<u8>) = (vec![0; 3 * LENGTH + 100], Vec::new());
        let (mut mappings, mut version) = (0u32, 0u8);
        region.create(here.len() as u64)?;
        for _ in 0..80 {
            match below(8) {
                0 | 1 => {
                    let offset = below(here.len() as u64);
                    let length = below(here.len() as u64 - offset).min(70_000);
                    let byte = below(256) as u8;
                    write(&region, offset, byte, length)?;
                    here[offset as usize..(offset + length) as usize].fill(byte);
                }
                2 => {
                    let (length, byte) = (below(4 * CHUNK), below(256) as u8);
                    region.replace(length, &mut |_, bytes| {
                        bytes.fill(byte);
                        Ok(())
                    })?;
                    here = vec![byte; length as usize];
                    if here.is_empty() {
                        here = vec![1];
                        region.replace(1, &mut |_, bytes| {
                            bytes.fill(1);
                            Ok(())
                        })?;
                    }
                }
                3 if mappings < 4 && !here.is_empty() => {
                    assert!(region.prepare_mapping(0, (here.len() as u64).next_multiple_of(4096))?);
                    mappings += 1;
                }
                4 if mappings > 0 => {
                    region.unmapped();
                    mappings -= 1;
                }
                5 => {
                    // A push during which somebody writes, and which may fail.
                    let Some(changes) = region.begin_push(&EVERYTHING)? else { continue };
                    let mut sent = if changes.base.is_some() { there.clone() } else { Vec::new() };
                    sent.resize(changes.bytes as usize, 0);
                    let before = here.clone();
                    for index in &changes.chunks {
                        let start = *index as usize * LENGTH;
                        let bytes = region.take(*index as usize)?.ok_or_else(|| Fault::bug("a chunk is not here"))?;
                        sent[start..start + bytes.len()].copy_from_slice(&bytes);
                        if below(3) == 0 {
                            write(&region, start as u64, 0xee, 1)?;
                            here[start] = 0xee;
                        }
                    }
                    assert!(sent == before, "round {round}: what is sent is the value when the push began");
                    if below(3) == 0 {
                        region.abort_push()?;
                    } else {
                        version += 1;
                        let count = sent.len().div_ceil(LENGTH);
                        let hashes = (0..count).flat_map(|index| [version ^ index as u8 ^ 0x55; HASH_BYTES]).collect();
                        region.settle(&Head { version: "v".into(), bytes: sent.len() as u64, hashes })?;
                        there = sent;
                    }
                }
                6 if !there.is_empty() && region.stat().bytes == there.len() as u64 => {
                    // Others' bytes come in, and ours stay.
                    let index = below(there.len().div_ceil(LENGTH) as u64) as usize;
                    let (start, end) = (index * LENGTH, ((index + 1) * LENGTH).min(there.len()));
                    if region.twin(index)?.is_none() {
                        continue;
                    }
                    let place = start + below((end - start) as u64) as usize;
                    let was_ours = here[place] != there[place];
                    let byte = below(256) as u8;
                    there[place] = byte;
                    if !was_ours {
                        here[place] = byte;
                    }
                    version += 1;
                    region.fill(index, &there[start..end], true)?;
                    let hashes = (0..there.len().div_ceil(LENGTH))
                        .flat_map(|at| [version ^ at as u8 ^ 0x55; HASH_BYTES])
                        .collect();
                    region.commit(&Head { version: "w".into(), bytes: there.len() as u64, hashes }, true)?;
                }
                _ => {
                    region.hashes()?;
                }
            }
            assert_eq!(region.stat().bytes, here.len() as u64);
            assert!(read(&region, 0, here.len() as u64)? == here, "round {round}");
        }
        (0..mappings).for_each(|_| region.unmapped());
        drop(table.region("k")?);
        table.drop_any("k");
        drop(region);
        assert_eq!(table.budget.used_bytes(), 0, "round {round}");
    }
    Ok(())
}
