//! Completions as one block of bytes: a batch crosses to JavaScript in a single copy.
//!
//! Layout: for each completion `FIELDS` numbers (f64, little-endian), then all byte strings in the same order. What the
//! numbers mean stands in `native/completions.ts`, which reads them.

use std::sync::Mutex;

use crate::fault::Fault;
use crate::group::{CallRecord, Completion, Group, Installed, RegionAnswer};
use crate::slow::{HostCall, NUMBERS};

/// Numbers a completion has.
const FIELDS: usize = 17;
/// Where the length of what went wrong stands.
const ERROR: usize = 15;

/// More than this is not kept for the next block.
const KEPT_MAX: usize = 1 << 20;

/// The block that is being handed over; its memory is used again and again.
#[derive(Default)]
pub struct Block(Mutex<Packed>);

#[derive(Default)]
struct Packed {
    numbers: Vec<u8>,
    bytes: Vec<u8>,
}

impl Block {
    /// Writes all completions to the beginning of `into`, if they fit; gives how many bytes they are.
    pub fn drain(&self, group: &Group, into: &mut [u8]) -> Result<f64, Fault> {
        let mut packed = self.0.lock().map_err(|_| Fault::bug("a lock is poisoned"))?;
        if packed.numbers.is_empty() {
            group.drain()?.into_iter().for_each(|completion| packed.add(completion));
        }
        let (numbers, total) = (packed.numbers.len(), packed.numbers.len() + packed.bytes.len());
        if let Some(into) = into.get_mut(..total) {
            into[..numbers].copy_from_slice(&packed.numbers);
            into[numbers..].copy_from_slice(&packed.bytes);
            packed.clear();
        }
        Ok(total as f64)
    }
}

impl Packed {
    fn add(&mut self, completion: Completion) {
        match completion {
            Completion::Ended(record) => self.call(&record),
            Completion::Installed(id, Ok(installed)) => self.installed(id, &installed),
            Completion::Installed(id, Err(fault)) => self.refused(1.0, id, &fault),
            Completion::Warmed(id, Ok(idle)) => self.push(&[3.0, f64::from(id), 0.0, idle as f64]),
            Completion::Warmed(id, Err(fault)) => self.refused(3.0, id, &fault),
            Completion::Asked(call) => self.asked(&call),
            Completion::Region(id, Ok(answer)) => self.region(id, &answer),
            Completion::Region(id, Err(fault)) => self.refused(5.0, id, &fault),
            Completion::Closed => self.push(&[2.0]),
        }
    }

    fn clear(&mut self) {
        self.numbers.clear();
        self.bytes.clear();
        self.numbers.shrink_to(KEPT_MAX);
        self.bytes.shrink_to(KEPT_MAX);
    }

    fn push(&mut self, numbers: &[f64]) {
        for at in 0..FIELDS {
            let number = numbers.get(at).copied().unwrap_or(0.0);
            self.numbers.extend_from_slice(&number.to_le_bytes());
        }
    }

    fn call(&mut self, record: &CallRecord) {
        let error = record.error.as_ref().map(text).unwrap_or_default();
        self.push(&[
            0.0,
            f64::from(record.id),
            record.status as u32 as f64,
            f64::from(record.return_value),
            record.start as u32 as f64,
            record.queue_us,
            record.start_us,
            record.exec_us,
            record.cpu_us,
            record.memory_bytes as f64,
            record.stdout_total as f64,
            record.stderr_total as f64,
            record.output.len() as f64,
            record.stdout.len() as f64,
            record.stderr.len() as f64,
            error.len() as f64,
            record.head.len() as f64,
        ]);
        for bytes in [&record.output, &record.stdout, &record.stderr, &error, &record.head] {
            self.bytes.extend_from_slice(bytes);
        }
    }

    fn installed(&mut self, id: u32, installed: &Installed) {
        let refused = installed.snapshot_refused.as_ref().map(text).unwrap_or_default();
        self.push(&[
            1.0,
            f64::from(id),
            0.0,
            f64::from(u8::from(installed.restored_each_call)),
            f64::from(u8::from(installed.is_from_snapshot)),
            installed.load_us,
            installed.init_us,
            installed.snapshot_us,
            0.0,
            installed.memory_bytes as f64,
            installed.snapshot_bytes as f64,
            0.0,
            installed.log.len() as f64,
            refused.len() as f64,
        ]);
        self.bytes.extend_from_slice(&installed.log);
        self.bytes.extend_from_slice(&refused);
    }

    fn asked(&mut self, call: &HostCall) {
        let mut numbers = [0.0; FIELDS];
        numbers[0] = 4.0;
        numbers[1] = f64::from(call.call);
        numbers[2] = f64::from(call.ticket);
        numbers[3] = call.operation as u32 as f64;
        for (to, number) in numbers[4..4 + NUMBERS].iter_mut().zip(call.numbers) {
            *to = number as f64;
        }
        numbers[12] = call.text.len() as f64;
        numbers[13] = call.bytes.len() as f64;
        self.push(&numbers);
        self.bytes.extend_from_slice(&call.text);
        self.bytes.extend_from_slice(&call.bytes);
    }

    /// Whether there is anything, length, length of the base or -1; then version, hashes, indexes of chunks (u32, little-endian).
    fn region(&mut self, id: u32, answer: &RegionAnswer) {
        let (version, hashes, chunks): (&[u8], &[u8], Vec<u8>);
        let (mut is_there, mut bytes, mut base_bytes) = (1.0, 0.0, -1.0);
        match answer {
            RegionAnswer::Nothing => {
                is_there = 0.0;
                (version, hashes, chunks) = (&[], &[], Vec::new());
            }
            RegionAnswer::IsGone(is_gone) => {
                is_there = f64::from(u8::from(*is_gone));
                (version, hashes, chunks) = (&[], &[], Vec::new());
            }
            RegionAnswer::Hashes(all) => (version, hashes, chunks) = (&[], all, Vec::new()),
            RegionAnswer::Changes(changes) => {
                bytes = changes.bytes as f64;
                let base = changes.base.as_ref();
                base_bytes = base.map_or(-1.0, |base| base.bytes as f64);
                version = base.map_or(&[], |base| base.version.as_bytes());
                hashes = base.map_or(&[], |base| &base.hashes);
                chunks = changes.chunks.iter().flat_map(|index| index.to_le_bytes()).collect();
            }
        }
        let mut numbers = [0.0; FIELDS];
        numbers[..6].copy_from_slice(&[5.0, f64::from(id), 0.0, is_there, bytes, base_bytes]);
        for (at, part) in [version, hashes, &chunks].into_iter().enumerate() {
            numbers[12 + at] = part.len() as f64;
        }
        self.push(&numbers);
        for part in [version, hashes, &chunks] {
            self.bytes.extend_from_slice(part);
        }
    }

    fn refused(&mut self, kind: f64, id: u32, fault: &Fault) {
        let error = text(fault);
        let mut numbers = [0.0; FIELDS];
        (numbers[0], numbers[1], numbers[2]) = (kind, f64::from(id), 1.0);
        numbers[ERROR] = error.len() as f64;
        self.push(&numbers);
        self.bytes.extend_from_slice(&error);
    }
}

/// Code, line feed, message.
fn text(fault: &Fault) -> Vec<u8> {
    format!("{}\n{}", fault.code, fault.message).into_bytes()
}
