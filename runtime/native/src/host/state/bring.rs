//! Values that are to be here: looked for on this host first, else asked for.

use std::sync::Arc;

use wasmtime::{Error, Result};

use super::{ask, misuse};
use crate::fault::Fault;
use crate::regions::{CHUNK, Here, Pin, Region};
use crate::slow::Operation;
use crate::state::State;

/// How often something is looked for that goes again before it can be used.
const ATTEMPTS: u32 = 16;
/// Stands for all chunks of a value.
const ALL: u64 = u32::MAX as u64;
/// All of a value, however long it is.
pub const WHOLE: u64 = u64::MAX;

/// What a guest wants of a value.
#[derive(Clone, Copy)]
pub struct Part {
    pub offset: u64,
    pub length: u64,
}

impl Part {
    pub const SIZE: Self = Self { offset: 0, length: 0 };

    pub fn first(length: u64) -> Self {
        Self { offset: 0, length }
    }

    /// First chunk and number of chunks.
    pub fn chunks(self) -> [u64; 2] {
        if self.length == 0 {
            return [0, 0];
        }
        let (first, end) = (self.offset / CHUNK, self.offset.saturating_add(self.length).div_ceil(CHUNK));
        [first, (end - first).min(ALL)]
    }
}

/// A value of which the part that was asked for is here.
pub struct Brought {
    /// Stays in the table as long as this.
    pub pin: Pin,
    pub bytes: u64,
}

/// Brings a part of a value here; nothing when there is no such value.
pub fn bring(state: &mut State, key: &str, part: Part) -> Result<Option<Brought>> {
    for _ in 0..ATTEMPTS {
        let pin = region(state, key)?;
        if let Here::Wholly { bytes } = pin.look(part.offset, part.length) {
            return Ok(Some(Brought { pin, bytes }));
        }
        let [first, count] = part.chunks();
        let answer = ask(state, Operation::StatePull, [first, count, 0, 0], key, Vec::new())?;
        if answer.value == 0 && pin.look(0, 0) == Here::Unknown {
            return Ok(None);
        }
    }
    Err(too_busy(key))
}

/// The region of a key, which stays in the table as long as the pin.
pub fn region(state: &mut State, key: &str) -> Result<Pin> {
    for _ in 0..ATTEMPTS {
        let region = with_room(state, CHUNK, |state| {
            check_key(key)?;
            state.regions.region(key)
        })?;
        match region.pin() {
            Some(pin) => return Ok(pin),
            None => state.regions.forget(key),
        }
    }
    Err(too_busy(key))
}

/// The value of a key for changing a part of it; it is made, of `total` zeros, when there is none.
pub fn bring_or_make(state: &mut State, key: &str, part: Part, total: u64) -> Result<Brought> {
    for _ in 0..ATTEMPTS {
        if let Some(brought) = bring(state, key, part)? {
            return Ok(brought);
        }
        let pin = region(state, key)?;
        make(state, &pin, total)?;
    }
    Err(too_busy(key))
}

fn make(state: &mut State, region: &Arc<Region>, total: u64) -> Result<bool> {
    let max = state.regions.regions.limits.value_bytes_max;
    if total > max {
        return Err(over_limit(total, max));
    }
    with_room(state, total, |_| region.create(total))
}

pub fn over_limit(bytes: u64, max: u64) -> Error {
    Error::new(Fault::new("ERR_STATE_LIMIT", format!("a value of {bytes} bytes is over the limit of {max}")))
}

/// Runs what may find that state takes too much of this host. Then TypeScript is asked to make room, once.
pub fn with_room<T>(state: &mut State, bytes: u64, work: impl Fn(&mut State) -> Result<T, Fault>) -> Result<T> {
    match work(state) {
        Err(fault) if fault.code == "ERR_QUOTA" && state.slow.is_some() => {
            ask(state, Operation::StateRoom, [bytes, 0, 0, 0], "", Vec::new())?;
            work(state).map_err(Error::new)
        }
        result => result.map_err(Error::new),
    }
}

/// The grammar of keys, as in `state/state_key.ts`.
fn check_key(key: &str) -> Result<(), Fault> {
    let is_control = |character: char| matches!(character, '\0'..='\x1f' | '\x7f'..='\u{9f}');
    let has_dots = || key.split('/').any(|part| matches!(part, "." | ".."));
    if key.is_empty() || key.contains(is_control) || has_dots() {
        let what =
            "a state key is 1 to 512 bytes of UTF-8 without control characters, and no part between slashes is . or ..";
        return Err(Fault::new("ERR_NAME_INVALID", what));
    }
    Ok(())
}

fn too_busy(key: &str) -> Error {
    let key: String = key.chars().take(80).collect();
    Error::new(Fault::capacity("state", format!("the value of {key:?} goes as fast as it comes")))
}

/// The end of a range, which has to be within `total`.
pub fn end_within(offset: u32, length: u32, total: u32) -> Result<u64> {
    let end = u64::from(offset) + u64::from(length);
    if end > u64::from(total) {
        return Err(misuse(format!("{length} bytes at {offset} are not within a value of {total} bytes")));
    }
    Ok(end)
}

/// The same against the value as it is.
pub fn check_within(end: u64, bytes: u64) -> Result<()> {
    if end > bytes {
        return Err(misuse(format!("the value has {bytes} bytes only, and byte {end} is not of it")));
    }
    Ok(())
}

pub fn absent(key: &str) -> Error {
    let key: String = key.chars().take(80).collect();
    misuse(format!("there is no value of the key {key:?}"))
}
