//! Shared state: values by keys, in memory that all calls of a host share, and in the global tier. What a reader may see,
//! and when, is in `docs/consistency.md`.

use std::ffi::CString;
use std::ops::{Deref, DerefMut};

use crate::{address, imports};

/// A key, ready for the host. It has no NUL byte.
#[derive(Debug, Clone)]
pub struct Key(CString);

impl Key {
    /// # Panics
    /// When the name holds a NUL byte.
    pub fn new(name: &str) -> Self {
        Self(CString::new(name).expect("a key without NUL"))
    }

    fn at(&self) -> u32 {
        address(self.0.as_ptr().cast())
    }

    /// The value's size in bytes; 0 when there is none.
    pub fn size(&self) -> usize {
        // SAFETY: with length 0 nothing is written.
        unsafe { imports::__faasm_read_state(self.at(), 0, 0) as usize }
    }

    /// A copy of the value; empty when there is none.
    pub fn read(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.size()];
        if !bytes.is_empty() {
            // SAFETY: the host writes no more than the vector's length.
            let size = unsafe { imports::__faasm_read_state(self.at(), address(bytes.as_mut_ptr()), bytes.len() as u32) };
            bytes.truncate(size as usize);
        }
        bytes
    }

    /// Makes these bytes the value, on this host.
    pub fn write(&self, bytes: &[u8]) {
        // SAFETY: the host reads inside the slice.
        unsafe { imports::__faasm_write_state(self.at(), address(bytes.as_ptr()), bytes.len() as u32) }
    }

    /// Writes a part of a value of `total` bytes, on this host.
    pub fn write_at(&self, total: usize, offset: usize, bytes: &[u8]) {
        let (total, offset, length) = (total as u32, offset as u32, bytes.len() as u32);
        // SAFETY: the host reads inside the slice.
        unsafe { imports::__faasm_write_state_offset(self.at(), total, offset, address(bytes.as_ptr()), length) }
    }

    /// Sends what was changed on this host to the global tier, at one moment.
    pub fn push(&self) {
        // SAFETY: there is nothing to get wrong.
        unsafe { imports::__faasm_push_state(self.at()) }
    }

    /// Fetches the value again; what was changed here and not pushed is lost.
    pub fn pull(&self) {
        // SAFETY: shared bytes change as they may at any moment.
        unsafe { imports::__faasm_pull_state(self.at(), 0) }
    }

    /// The version that the value on this host was made from; 0 when it was not pushed yet.
    pub fn version(&self) -> u64 {
        // SAFETY: there is nothing to get wrong.
        unsafe { imports::__faaslet_state_version(self.at()) }
    }

    /// As `push`, if the global value is of that version. False when it is not: then nothing was sent.
    pub fn push_if(&self, version: u64) -> bool {
        // SAFETY: there is nothing to get wrong.
        unsafe { imports::__faaslet_push_state_if(self.at(), version) == 0 }
    }

    /// Adds a record behind all others of the key, in the global tier, at once.
    pub fn append(&self, record: &[u8]) {
        // SAFETY: the host reads inside the slice.
        unsafe { imports::__faasm_append_state(self.at(), address(record.as_ptr()), record.len() as u32) }
    }

    /// The value as `size` elements that this call alone changes meanwhile on this host: behind its local write lock.
    pub fn lock<T: Plain>(&self, size: usize) -> Locked<'_, T> {
        // SAFETY: there is nothing to get wrong; the lock is freed when the guard goes, or with the call.
        unsafe { imports::__faasm_lock_state_write(self.at()) };
        Locked { key: self, view: Shared::map(self, size) }
    }

    /// The value as `size` elements that other calls of this host may read and change at any moment.
    pub fn share<T: Plain>(&self, size: usize) -> Shared<T> {
        Shared::map(self, size)
    }

    /// Changes a value that other hosts change as well: global lock, pull, `change`, push, unlock.
    pub fn with_global_lock<R>(&self, change: impl FnOnce(&Self) -> R) -> R {
        // SAFETY: there is nothing to get wrong; a lock ends with its call at the latest.
        unsafe { imports::__faasm_lock_state_global_write(self.at()) };
        self.pull();
        let result = change(self);
        self.push();
        // SAFETY: as above; this call holds it.
        unsafe { imports::__faasm_unlock_state_global_write(self.at()) };
        result
    }
}

/// Numbers that are any bytes.
///
/// # Safety
/// Every pattern of bits is a value, there is no padding, and 4 KiB is a multiple of the alignment.
pub unsafe trait Plain: Copy {}

macro_rules! plain {
    ($($kind:ty)*) => { $(
        // SAFETY: a number of a fixed size.
        unsafe impl Plain for $kind {}
    )* };
}
plain!(u8 i8 u16 i16 u32 i32 u64 i64 f32 f64);

/// A value in shared memory. Elements are read and written one at a time: others may change them meanwhile.
#[derive(Debug, Clone, Copy)]
pub struct Shared<T> {
    data: *mut T,
    size: usize,
}

impl<T: Plain> Shared<T> {
    fn map(key: &Key, size: usize) -> Self {
        let bytes = size.checked_mul(std::mem::size_of::<T>()).expect("a size in bytes");
        // SAFETY: there is nothing to get wrong; the address is of so many bytes, page-aligned, for as long as the call runs.
        let data = unsafe { imports::__faasm_read_state_ptr(key.at(), bytes as u32) };
        Self { data: data as usize as *mut T, size }
    }

    pub fn len(&self) -> usize {
        self.size
    }

    pub fn is_empty(&self) -> bool {
        self.size == 0
    }

    /// # Panics
    /// Beyond the end.
    pub fn get(&self, at: usize) -> T {
        assert!(at < self.size, "element {at} of {}", self.size);
        // SAFETY: inside the mapped value; any bits are a value, whoever writes them meanwhile.
        unsafe { self.data.add(at).read_volatile() }
    }

    /// # Panics
    /// Beyond the end.
    pub fn set(&self, at: usize, value: T) {
        assert!(at < self.size, "element {at} of {}", self.size);
        // SAFETY: as above.
        unsafe { self.data.add(at).write_volatile(value) }
    }
}

/// A value in shared memory, behind its local write lock: a slice, as long as all who change it take the lock.
#[derive(Debug)]
pub struct Locked<'k, T: Plain> {
    key: &'k Key,
    view: Shared<T>,
}

impl<T: Plain> Deref for Locked<'_, T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: mapped, aligned, any bits are a value; the lock keeps out all who take it.
        unsafe { std::slice::from_raw_parts(self.view.data, self.view.size) }
    }
}

impl<T: Plain> DerefMut for Locked<'_, T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as above.
        unsafe { std::slice::from_raw_parts_mut(self.view.data, self.view.size) }
    }
}

impl<T: Plain> Drop for Locked<'_, T> {
    fn drop(&mut self) {
        // SAFETY: this call holds the lock.
        unsafe { imports::__faasm_unlock_state_write(self.key.at()) }
    }
}
