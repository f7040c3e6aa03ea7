//! Arguments, environment, clocks, random bytes.

use wiggle::{GuestMemory, GuestPtr};

use super::guest::check;
use crate::abi::types::{Clockid, Errno};
use crate::clock;
use crate::failure::Result;
use crate::random;
use crate::wasi::Wasi;

impl Wasi {
    pub(super) fn arguments(&self) -> Vec<String> {
        let own = self.settings.args.iter().map(String::as_str);
        own.chain(self.extra_args.split_terminator('\0')).map(str::to_owned).collect()
    }

    pub(super) fn variables(&self) -> Vec<String> {
        let own = self.settings.env.iter().map(|(name, value)| format!("{name}={value}"));
        own.chain(self.extra_env.split_terminator('\0').map(str::to_owned)).collect()
    }

    pub(super) fn clock_resolution(&self, id: Clockid) -> Result<u64> {
        match id {
            Clockid::Realtime | Clockid::Monotonic => Ok(self.settings.clock_resolution_ns),
            // Processor time is the thread's, which serves other calls as well.
            Clockid::ProcessCputimeId | Clockid::ThreadCputimeId => Err(Errno::Badf.into()),
        }
    }

    pub(super) fn clock_time(&self, id: Clockid) -> Result<u64> {
        let resolution = self.clock_resolution(id)?;
        match id {
            Clockid::Realtime => Ok(clock::realtime_ns(resolution)),
            _ => Ok(clock::monotonic_ns(resolution)),
        }
    }

    /// Fresh bytes, the kernel's.
    pub(super) fn random(&self, memory: &mut GuestMemory<'_>, to: GuestPtr<u8>, length: u32) -> Result<()> {
        const PIECE: u32 = 4096;
        check(memory, to, length)?;
        if let Some(few) = [0; random::SMALL].get_mut(..length as usize) {
            random::fill(few).map_err(|_| Errno::Io)?;
            return Ok(memory.copy_from_slice(few, to.as_array(length))?);
        }
        let mut bytes = [0u8; PIECE as usize];
        let mut done = 0;
        while done < length {
            let count = PIECE.min(length - done);
            let bytes = &mut bytes[..count as usize];
            random::fill(bytes).map_err(|_| Errno::Io)?;
            memory.copy_from_slice(bytes, to.add(done)?.as_array(count))?;
            done += count;
            // A guest may ask for gigabytes; its deadline holds meanwhile.
            self.control.go_on()?;
        }
        Ok(())
    }
}

/// For the host's own use: as good as what a guest gets.
pub fn fresh_bits() -> std::result::Result<u64, getrandom::Error> {
    let mut bytes = [0; 8];
    random::fill(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

/// How many strings there are, and how many bytes with their NULs.
pub fn sizes(strings: Vec<String>) -> Result<(u32, u32)> {
    let bytes: usize = strings.iter().map(|text| text.len() + 1).sum();
    let number = |count: usize| u32::try_from(count).map_err(|_| Errno::Overflow);
    Ok((number(strings.len())?, number(bytes)?))
}

/// Writes the strings one after another, and a pointer to each.
pub fn write_strings(
    memory: &mut GuestMemory<'_>,
    strings: Vec<String>,
    pointers: GuestPtr<GuestPtr<u8>>,
    text: GuestPtr<u8>,
) -> Result<()> {
    let (count, length) = sizes(strings.clone())?;
    check(memory, text, length)?;
    check(memory, pointers.cast(), count.checked_mul(4).ok_or(Errno::Overflow)?)?;
    let mut at = text;
    for (string, index) in strings.into_iter().zip(0..) {
        let mut bytes = string.into_bytes();
        bytes.push(0);
        let length = u32::try_from(bytes.len()).map_err(|_| Errno::Overflow)?;
        memory.write(pointers.add(index)?, at)?;
        memory.copy_from_slice(&bytes, at.as_array(length))?;
        at = at.add(length)?;
    }
    Ok(())
}
