//! One Faaslet's side of WASI: its streams, its descriptors, its files. The whole of it is a snapshot of three pointers.

use std::net::IpAddr;
use std::sync::Arc;

use crate::abi::types::{Errno, Rights};
use crate::clock;
use crate::control::{CallControl, Ended};
use crate::descriptors::{Descriptors, Target};
use crate::failure::Failure;
use crate::files::{Change, Content, Files, GlobalFiles, Local, ROOT};
use crate::http::Answer;
use crate::network::Socket;
use crate::numbered::Numbered;
use crate::settings::WasiSettings;
use crate::shared::SharedFiles;
use crate::stdio::{Sink, SinkBuffer, Stdin, WhenFull, write_descriptor};

pub struct Wasi {
    pub(crate) settings: Arc<WasiSettings>,
    pub(crate) control: Arc<CallControl>,
    pub(crate) stdin: Stdin,
    pub(crate) stdout: Sink,
    pub(crate) stderr: Sink,
    /// The call's own, as they came: each entry ended by NUL. Most guests never ask for them.
    pub(crate) extra_env: String,
    pub(crate) extra_args: String,
    pub(crate) shared: Option<Box<dyn SharedFiles>>,
    pub(crate) sockets: Numbered<Socket>,
    pub(crate) answers: Numbered<Answer>,
    pub(crate) http_problem: String,
    /// Names that the call looked up, and their addresses.
    pub(crate) resolved: Vec<(String, IpAddr)>,
    /// Whether a socket, a request or a name was ever asked for, with or without success.
    pub(crate) used_network: bool,
    descriptors: Arc<Descriptors>,
    pub(crate) files: Files,
}

/// Descriptors and files of a Proto-Faaslet. Streams are not in it: they belong to a call.
pub struct WasiSnapshot {
    pub(crate) descriptors: Arc<Descriptors>,
    pub(crate) files: Arc<Local>,
}

/// What a snapshot cannot hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotRefused {
    #[error("a connection is open")]
    Connection,
}

impl Wasi {
    pub fn new(settings: Arc<WasiSettings>, files: Arc<GlobalFiles>, control: Arc<CallControl>) -> Self {
        Self {
            descriptors: Arc::new(Descriptors::new(settings.preopen_root)),
            files: Files::new(files, settings.quotas),
            settings,
            control,
            stdin: Stdin::Empty,
            stdout: nowhere(),
            stderr: nowhere(),
            extra_env: String::new(),
            extra_args: String::new(),
            shared: None,
            sockets: Numbered::default(),
            answers: Numbered::default(),
            http_problem: String::new(),
            resolved: Vec::new(),
            used_network: false,
        }
    }

    /// Prepares a call: its streams, and what is added to the function's own environment (`NAME=value`) and arguments, each
    /// entry ended by NUL.
    pub fn begin_call(&mut self, stdin: Stdin, stdout: Sink, stderr: Sink, env: String, args: String) {
        self.stdin = stdin;
        self.stdout = stdout;
        self.stderr = stderr;
        self.extra_env = env;
        self.extra_args = args;
    }

    /// Takes back what belongs to the call.
    pub fn end_call(&mut self) -> (Sink, Sink) {
        self.stdin = Stdin::Empty;
        self.shared = None;
        self.sockets.close_all();
        self.answers.close_all();
        self.http_problem = String::new();
        self.resolved.clear();
        self.extra_env = String::new();
        self.extra_args = String::new();
        (std::mem::replace(&mut self.stdout, nowhere()), std::mem::replace(&mut self.stderr, nowhere()))
    }

    pub fn snapshot(&self) -> Result<WasiSnapshot, SnapshotRefused> {
        if self.descriptors.has_connections() {
            return Err(SnapshotRefused::Connection);
        }
        Ok(WasiSnapshot { descriptors: self.descriptors.clone(), files: self.files.layer() })
    }

    /// Whether it was ever in touch with the network.
    pub fn has_used_network(&self) -> bool {
        self.used_network
    }

    /// Back to a snapshot of this Faaslet or of one of the same function.
    pub fn reset(&mut self, snapshot: &WasiSnapshot) {
        if !Arc::ptr_eq(&self.descriptors, &snapshot.descriptors) {
            self.descriptors = snapshot.descriptors.clone();
        }
        self.files.restore(&snapshot.files);
    }

    /// The bytes of a file that came with the function and that nobody has written to; `Notsup` for another one.
    pub fn brought_file(&self, path: &str) -> std::result::Result<Arc<[u8]>, Errno> {
        if !self.settings.preopen_root {
            return Err(Errno::Noent);
        }
        let relative = path.trim_start_matches('/');
        let resolved = self.files.resolve(ROOT, relative, true).map_err(errno_of)?;
        let node = self.files.node(resolved.node.ok_or(Errno::Noent)?).map_err(errno_of)?;
        match &node.content {
            Content::File(bytes) => bytes.given().ok_or(Errno::Notsup),
            _ => Err(Errno::Isdir),
        }
    }

    /// A second descriptor for what a first one leads to.
    pub fn duplicate(&mut self, fd: u32) -> std::result::Result<u32, Errno> {
        let max = self.settings.quotas.descriptors;
        match self.descriptors_mut().duplicate(fd, max) {
            Ok(duplicate) => Ok(duplicate),
            Err(failure) => Err(errno_of(failure)),
        }
    }

    /// A variable of the function's environment, or the call's, which comes later and wins.
    pub fn variable(&self, name: &str) -> Option<&str> {
        let own = self.settings.env.iter().map(|(known, value)| (known.as_str(), value.as_str()));
        let extra = self.extra_env.split_terminator('\0').filter_map(|entry| entry.split_once('='));
        own.chain(extra).filter(|(known, _)| *known == name).map(|(_, value)| value).next_back()
    }

    /// Writes to the guest's standard error.
    pub fn complain(&mut self, text: &[u8]) -> std::result::Result<(), Ended> {
        let written = match &mut self.stderr {
            Sink::Buffer(buffer) => buffer.write(text.len(), |fits| Ok(text[..fits].to_vec())),
            Sink::Descriptor(fd) => write_descriptor(*fd, text, &self.control),
        };
        match written {
            Err(Failure::End(ended)) => Err(ended),
            // A closed log is no reason to end a call.
            _ => Ok(()),
        }
    }

    /// What a file holds from an offset on, at most `length` bytes: for a mapping of it.
    pub fn file_content(&self, fd: u32, offset: u64, length: usize) -> std::result::Result<&[u8], Errno> {
        let descriptor = self.descriptors.get(fd).map_err(|_| Errno::Badf)?;
        match descriptor.target {
            Target::File(_) if !descriptor.rights.contains(Rights::FD_READ) => Err(Errno::Acces),
            Target::File(inode) => self.files.read(inode, offset, length).map_err(|_| Errno::Badf),
            _ => Err(Errno::Nodev),
        }
    }

    /// All that a file holds, for a host function. The path starts at the root, or is a shared file's; without a root there is
    /// nothing. The inner error is the guest's, the outer one ends its call.
    pub fn read_path(&mut self, path: &str) -> std::result::Result<std::result::Result<Vec<u8>, Errno>, Ended> {
        match self.content_of(path) {
            Ok(content) => Ok(Ok(content)),
            Err(Failure::Errno(errno)) => Ok(Err(errno)),
            Err(Failure::End(ended)) => Err(ended),
        }
    }

    fn content_of(&mut self, path: &str) -> crate::failure::Result<Vec<u8>> {
        if !self.settings.preopen_root {
            return Err(Errno::Noent.into());
        }
        self.fetch_shared_path(path)?;
        let resolved = self.files.resolve(ROOT, path.trim_start_matches('/'), true)?;
        let inode = resolved.node.ok_or(Errno::Noent)?;
        if resolved.needs_directory || self.files.directory(inode).is_ok() {
            return Err(Errno::Isdir.into());
        }
        self.files.read(inode, 0, usize::MAX).map(<[u8]>::to_vec)
    }

    /// What is different from the files that the function brought.
    pub fn changed_files(&self) -> Vec<Change> {
        self.files.changes()
    }

    pub(crate) fn descriptors(&self) -> &Descriptors {
        &self.descriptors
    }

    pub(crate) fn descriptors_mut(&mut self) -> &mut Descriptors {
        Arc::make_mut(&mut self.descriptors)
    }

    /// The wall clock as the guest sees it.
    pub(crate) fn now(&self) -> u64 {
        clock::realtime_ns(self.settings.clock_resolution_ns)
    }
}

/// The error number of a failure that ends no call.
fn errno_of(failure: Failure) -> Errno {
    match failure {
        Failure::Errno(errno) => errno,
        Failure::End(_) => Errno::Io,
    }
}

/// A stream outside of any call.
fn nowhere() -> Sink {
    Sink::Buffer(SinkBuffer::new(0, WhenFull::Truncate))
}
