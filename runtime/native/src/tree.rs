//! A directory of the machine as a tree of bytes, for `faaslet run --dir`.
//!
//! Everything is opened beneath one directory descriptor with `openat2`: no `..`, no absolute path, no link leads out,
//! whatever somebody replaces meanwhile. Only regular files and directories are touched.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Write as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use rustix::fs::{
    AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags, fstat, mkdirat, open, openat2, renameat, unlinkat,
};
use rustix::io::Errno;

use crate::fault::Fault;

/// Directories inside directories.
const DEPTH_MAX: usize = 128;

/// What a tree may hold at most.
#[derive(Clone, Copy)]
pub struct TreeLimits {
    pub bytes: usize,
    pub files: usize,
}

/// What was read: relative paths; a directory has no bytes.
#[derive(Default)]
pub struct Tree {
    pub entries: Vec<(String, Option<Vec<u8>>)>,
    pub skipped: Vec<String>,
}

/// One entry to write.
pub struct Write<'a> {
    pub path: &'a str,
    pub bytes: Option<&'a [u8]>,
    pub is_removed: bool,
}

/// Reads a directory and all beneath it.
pub fn read(directory: &str, limits: TreeLimits) -> Result<Tree, Fault> {
    let root = open_root(directory)?;
    let mut reader = Reader { limits, bytes: 0, tree: Tree::default() };
    reader.directory(&root, "", 0)?;
    Ok(reader.tree)
}

/// Writes entries in their order.
pub fn write<'a>(directory: &str, writes: impl Iterator<Item = Write<'a>>) -> Result<(), Fault> {
    let root = open_root(directory)?;
    for write in writes {
        let failed = |e: Errno| Fault::new("ERR_STORAGE", format!("cannot write back {:?}: {e}", write.path));
        let path = write.path.trim_matches('/');
        let is_plain = !path.contains('\0') && path.split('/').all(|part| !matches!(part, "" | "." | ".."));
        if !is_plain {
            return Err(failed(Errno::INVAL));
        }
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        if write.is_removed {
            // Its parent may be gone as well: then so is this.
            match beneath(&root, parent, DIRECTORY, Mode::empty()) {
                Ok(parent) => remove(&parent, name).map_err(failed)?,
                Err(Errno::NOENT) => {}
                Err(e) => return Err(failed(e)),
            }
            continue;
        }
        let parent = make_directories(&root, parent).map_err(failed)?;
        match write.bytes {
            Some(bytes) => replace(&parent, name, bytes).map_err(failed)?,
            None => make_directory(&parent, name).map_err(failed)?,
        }
    }
    Ok(())
}

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC).union(OFlags::NOFOLLOW);

fn open_root(directory: &str) -> Result<OwnedFd, Fault> {
    open(directory, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
        .map_err(|e| Fault::new("ERR_USAGE", format!("cannot open the directory {directory:?}: {e}")))
}

fn beneath(root: &impl AsFd, path: &str, flags: OFlags, mode: Mode) -> Result<OwnedFd, Errno> {
    let path = if path.is_empty() { "." } else { path };
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS | ResolveFlags::NO_SYMLINKS;
    loop {
        match openat2(root, path, flags, mode, resolve) {
            // The kernel could not be sure that a rename elsewhere did not lead us out: look again.
            Err(Errno::AGAIN | Errno::INTR) => {}
            result => return result,
        }
    }
}

struct Reader {
    limits: TreeLimits,
    bytes: usize,
    tree: Tree,
}

impl Reader {
    fn directory(&mut self, directory: &OwnedFd, prefix: &str, depth: usize) -> Result<(), Fault> {
        if depth > DEPTH_MAX {
            return Err(Fault::new("ERR_USAGE", format!("{prefix:?} is more than {DEPTH_MAX} directories deep")));
        }
        let failed = |name: &str, e: Errno| Fault::new("ERR_USAGE", format!("cannot read {prefix}{name}: {e}"));
        let mut names = Vec::new();
        for entry in Dir::read_from(directory).map_err(|e| failed("", e))? {
            let entry = entry.map_err(|e| failed("", e))?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                names.push(name.to_vec());
            }
        }
        names.sort();
        for name in names {
            let Ok(name) = String::from_utf8(name.clone()) else {
                self.tree.skipped.push(format!("{prefix}{}", OsStr::from_bytes(&name).to_string_lossy()));
                continue;
            };
            let path = format!("{prefix}{name}");
            match kind(directory.as_fd(), &name).map_err(|e| failed(&name, e))? {
                FileType::Directory => {
                    let inner = beneath(directory, &name, DIRECTORY, Mode::empty()).map_err(|e| failed(&name, e))?;
                    self.count(&path, 0)?;
                    self.tree.entries.push((path.clone(), None));
                    self.directory(&inner, &format!("{path}/"), depth + 1)?;
                }
                FileType::RegularFile => {
                    let bytes = self.file(directory, &name, &path)?;
                    self.tree.entries.push((path, Some(bytes)));
                }
                _ => self.tree.skipped.push(path),
            }
        }
        Ok(())
    }

    fn file(&mut self, directory: &OwnedFd, name: &str, path: &str) -> Result<Vec<u8>, Fault> {
        let failed = |e: &dyn std::fmt::Display| Fault::new("ERR_USAGE", format!("cannot read {path}: {e}"));
        // Non-blocking: it may have become a pipe since we looked.
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let file = beneath(directory, name, flags, Mode::empty()).map_err(|e| failed(&e))?;
        let stat = fstat(&file).map_err(|e| failed(&e))?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(failed(&"it is no longer a regular file"));
        }
        let room = self.limits.bytes.saturating_sub(self.bytes);
        let mut bytes = Vec::new();
        // One byte more than there is room for shows that it does not fit, however the file grows meanwhile.
        File::from(file).take(room as u64 + 1).read_to_end(&mut bytes).map_err(|e| failed(&e))?;
        self.count(path, bytes.len())?;
        Ok(bytes)
    }

    fn count(&mut self, path: &str, bytes: usize) -> Result<(), Fault> {
        self.bytes += bytes;
        if self.bytes > self.limits.bytes {
            let max = self.limits.bytes;
            return Err(Fault::new("ERR_USAGE", format!("the directory holds more than {max} bytes (at {path})")));
        }
        if self.tree.entries.len() >= self.limits.files {
            let max = self.limits.files;
            return Err(Fault::new("ERR_USAGE", format!("the directory holds more than {max} files (at {path})")));
        }
        Ok(())
    }
}

fn kind(directory: BorrowedFd<'_>, name: &str) -> Result<FileType, Errno> {
    let stat = rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)?;
    Ok(FileType::from_raw_mode(stat.st_mode))
}

fn make_directories(root: &OwnedFd, path: &str) -> Result<OwnedFd, Errno> {
    let mut here = beneath(root, "", DIRECTORY, Mode::empty())?;
    for part in path.split('/').filter(|part| !part.is_empty()) {
        make_directory(&here, part)?;
        here = beneath(&here, part, DIRECTORY, Mode::empty())?;
    }
    Ok(here)
}

fn make_directory(parent: &OwnedFd, name: &str) -> Result<(), Errno> {
    match mkdirat(parent, name, Mode::from_raw_mode(0o755)) {
        Err(Errno::EXIST) if kind(parent.as_fd(), name)? == FileType::Directory => Ok(()),
        result => result,
    }
}

/// Through a new file and a rename: nobody sees half of it, and a link of that name is replaced, not followed.
fn replace(parent: &OwnedFd, name: &str, bytes: &[u8]) -> Result<(), Errno> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let mode = match rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile => {
            Mode::from_raw_mode(stat.st_mode & 0o777)
        }
        _ => Mode::from_raw_mode(0o644),
    };
    let mut attempt = 0u32;
    let (temporary, file) = loop {
        let temporary = format!(".faaslet-{}-{attempt}", std::process::id());
        match openat2(parent, &temporary, flags, mode, ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS) {
            Err(Errno::EXIST) if attempt < 100 => attempt += 1,
            Err(e) => return Err(e),
            Ok(file) => break (temporary, file),
        }
    };
    let written = File::from(file).write_all(bytes).map_err(|e| Errno::from_io_error(&e).unwrap_or(Errno::IO));
    let done = written.and_then(|()| renameat(parent, &temporary, parent, name));
    if done.is_err() {
        let _ = unlinkat(parent, &temporary, AtFlags::empty());
    }
    done
}

fn remove(parent: &OwnedFd, name: &str) -> Result<(), Errno> {
    let flags = match kind(parent.as_fd(), name) {
        Err(Errno::NOENT) => return Ok(()),
        Err(e) => return Err(e),
        Ok(FileType::Directory) => AtFlags::REMOVEDIR,
        Ok(_) => AtFlags::empty(),
    };
    unlinkat(parent, name, flags)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    struct Scratch(std::path::PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("faaslet-tree-{}-{name}", std::process::id()));
            std::fs::create_dir_all(path.join("tree")).unwrap();
            Self(path)
        }
        fn tree(&self) -> String {
            self.0.join("tree").to_str().unwrap().to_owned()
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    const LIMITS: TreeLimits = TreeLimits { bytes: 1000, files: 10 };

    fn file<'a>(path: &'a str, bytes: &'a [u8]) -> Write<'a> {
        Write { path, bytes: Some(bytes), is_removed: false }
    }

    #[test]
    fn read_takes_files_and_directories_and_names_the_rest() {
        let scratch = Scratch::new("read");
        let tree = scratch.0.join("tree");
        std::fs::create_dir(tree.join("a")).unwrap();
        std::fs::write(tree.join("a/b"), b"one").unwrap();
        std::fs::write(scratch.0.join("secret"), b"no").unwrap();
        symlink("../secret", tree.join("link")).unwrap();
        let read = read(&scratch.tree(), LIMITS).unwrap();
        assert_eq!(read.entries, [("a".to_owned(), None), ("a/b".to_owned(), Some(b"one".to_vec()))]);
        assert_eq!(read.skipped, ["link"]);
    }

    #[test]
    fn read_stops_at_the_limits() {
        let scratch = Scratch::new("limits");
        std::fs::write(scratch.0.join("tree/a"), vec![1; 1000]).unwrap();
        assert!(read(&scratch.tree(), LIMITS).is_ok());
        std::fs::write(scratch.0.join("tree/a"), vec![1; 1001]).unwrap();
        assert!(read(&scratch.tree(), LIMITS).is_err());
        std::fs::write(scratch.0.join("tree/a"), b"").unwrap();
        for number in 0..9 {
            std::fs::write(scratch.0.join(format!("tree/{number}")), b"").unwrap();
        }
        assert!(read(&scratch.tree(), LIMITS).is_ok());
        std::fs::write(scratch.0.join("tree/z"), b"").unwrap();
        assert!(read(&scratch.tree(), LIMITS).is_err());
    }

    #[test]
    fn write_never_leaves_the_tree() {
        let scratch = Scratch::new("write");
        std::fs::create_dir(scratch.0.join("outside")).unwrap();
        std::fs::write(scratch.0.join("outside/f"), b"kept").unwrap();
        symlink("../outside", scratch.0.join("tree/out")).unwrap();
        symlink("../outside/f", scratch.0.join("tree/f")).unwrap();
        for path in ["../x", "a/../../x", "out/f", "out/new", "", "a//b", "./a"] {
            assert!(write(&scratch.tree(), [file(path, b"bad")].into_iter()).is_err(), "{path}");
        }
        write(&scratch.tree(), [file("/f", b"new"), file("d/e/g", b"deep")].into_iter()).unwrap();
        assert_eq!(std::fs::read(scratch.0.join("tree/f")).unwrap(), b"new");
        assert_eq!(std::fs::read(scratch.0.join("tree/d/e/g")).unwrap(), b"deep");
        assert_eq!(std::fs::read(scratch.0.join("outside/f")).unwrap(), b"kept");
        assert_eq!(std::fs::read_dir(scratch.0.join("outside")).unwrap().count(), 1);
        let removed = |path| Write { path, bytes: None, is_removed: true };
        assert!(write(&scratch.tree(), [removed("out/f")].into_iter()).is_err());
        write(&scratch.tree(), [removed("d/e/g"), removed("d/e"), removed("gone/too")].into_iter()).unwrap();
        assert!(!scratch.0.join("tree/d/e").exists());
    }
}
