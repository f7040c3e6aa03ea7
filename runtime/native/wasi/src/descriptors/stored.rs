//! Descriptors as plain values, to be written down and read back.

use serde::{Deserialize, Serialize};

use super::{Descriptor, Descriptors, Open, Target};
use crate::abi::types::{Fdflags, Rights};
use crate::files::{Content, Files, Inode};
use crate::stored::CannotStore;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredDescriptors {
    table: Vec<Option<StoredDescriptor>>,
    /// Offset and flags of each opening.
    opens: Vec<Option<(u64, u16)>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredDescriptor {
    target: StoredTarget,
    rights: u64,
    inheriting: u64,
    is_preopen: bool,
    open: usize,
}

#[derive(Serialize, Deserialize)]
enum StoredTarget {
    Stdin,
    Stdout,
    Stderr,
    File(Inode),
    Directory(Inode),
}

impl Descriptors {
    pub(crate) fn store(&self) -> Result<StoredDescriptors, CannotStore> {
        let table = self.table.iter().map(|place| place.as_ref().map(stored).transpose()).collect::<Result<_, _>>()?;
        let opens = self.opens.iter().map(|place| place.as_ref().map(|open| (open.offset, open.flags.bits())));
        Ok(StoredDescriptors { table, opens: opens.collect() })
    }
}

fn stored(descriptor: &Descriptor) -> Result<StoredDescriptor, CannotStore> {
    let target = match descriptor.target {
        Target::Stdin => StoredTarget::Stdin,
        Target::Stdout => StoredTarget::Stdout,
        Target::Stderr => StoredTarget::Stderr,
        Target::File(inode) => StoredTarget::File(inode),
        Target::Directory(inode) => StoredTarget::Directory(inode),
        Target::Socket(_) | Target::Answer(_) => return Err(CannotStore("a connection is open")),
    };
    let Descriptor { rights, inheriting, is_preopen, open, .. } = *descriptor;
    Ok(StoredDescriptor { target, rights: rights.bits(), inheriting: inheriting.bits(), is_preopen, open })
}

impl StoredDescriptors {
    /// Nothing when one of them leads nowhere, or there are more than `max`.
    pub(crate) fn load(&self, max: usize, files: &Files) -> Option<Descriptors> {
        if self.table.len() > max || self.opens.len() > max {
            return None;
        }
        let mut opens = Vec::with_capacity(self.opens.len());
        for open in &self.opens {
            opens.push(match open {
                Some((offset, flags)) => Some(Open { offset: *offset, flags: Fdflags::from_bits(*flags)?, holders: 0 }),
                None => None,
            });
        }
        let mut table = Vec::with_capacity(self.table.len());
        for place in &self.table {
            let Some(stored) = place else {
                table.push(None);
                continue;
            };
            // Counted, not believed.
            opens.get_mut(stored.open)?.as_mut()?.holders += 1;
            table.push(Some(Descriptor {
                target: stored.target.load(files)?,
                rights: Rights::from_bits(stored.rights)?,
                inheriting: Rights::from_bits(stored.inheriting)?,
                is_preopen: stored.is_preopen,
                open: stored.open,
            }));
        }
        let are_held = opens.iter().flatten().all(|open| open.holders > 0);
        are_held.then_some(Descriptors { table, opens })
    }
}

impl StoredTarget {
    fn load(&self, files: &Files) -> Option<Target> {
        match self {
            Self::Stdin => Some(Target::Stdin),
            Self::Stdout => Some(Target::Stdout),
            Self::Stderr => Some(Target::Stderr),
            Self::File(inode) => {
                let is_file = matches!(files.node(*inode).ok()?.content, Content::File(_));
                is_file.then_some(Target::File(*inode))
            }
            Self::Directory(inode) => files.directory(*inode).is_ok().then_some(Target::Directory(*inode)),
        }
    }
}
