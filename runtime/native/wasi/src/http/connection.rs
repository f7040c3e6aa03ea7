//! One connection to one address that the rules allow, in the clear or under TLS. Every wait ends with the call, and with the
//! time that the step it belongs to may take.

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};

use crate::abi::types::Errno;
use crate::control::CallControl;
use crate::failure::{Failure, Result};
use crate::network::{Family, Kind, Socket, SocketOption};

/// Received at once at most: a record of TLS.
pub const PIECE: usize = 16 << 10;

pub struct Connection {
    socket: Socket,
    tls: Option<Box<ClientConnection>>,
    /// Came, and TLS did not take it yet: it keeps no more plain bytes than fit a record or so.
    untaken: Vec<u8>,
    /// What TLS did not like.
    pub problem: Option<rustls::Error>,
}

impl Connection {
    pub fn open(to: SocketAddr, by: Instant, control: &CallControl) -> Result<Self> {
        let family = if to.is_ipv4() { Family::V4 } else { Family::V6 };
        let mut connection =
            Self { socket: Socket::open(family, Kind::Stream)?, tls: None, untaken: Vec::new(), problem: None };
        connection.limit(by)?;
        connection.socket.connect(to, true, control).map_err(late)?;
        connection.socket.set(SocketOption::NoDelay(true))?;
        Ok(connection)
    }

    /// From here on under TLS with whoever can show that it is `host`.
    pub fn secure(&mut self, host: &str, trust: Arc<ClientConfig>, by: Instant, control: &CallControl) -> Result<()> {
        let name = ServerName::try_from(host.to_owned()).map_err(|_| Errno::Inval)?;
        self.tls = Some(Box::new(ClientConnection::new(trust, name).map_err(|_| Errno::Proto)?));
        while self.tls.as_ref().is_some_and(|tls| tls.is_handshaking()) {
            self.flush(by, control)?;
            if self.tls.as_ref().is_some_and(|tls| tls.is_handshaking()) && self.take_record(by, control)? == 0 {
                return Err(Errno::Connreset.into());
            }
        }
        self.flush(by, control)
    }

    pub fn send(&mut self, bytes: &[u8], by: Instant, control: &CallControl) -> Result<()> {
        if self.tls.is_none() {
            return self.send_plain(bytes, by, control);
        }
        for piece in bytes.chunks(PIECE) {
            if let Some(tls) = &mut self.tls {
                tls.writer().write_all(piece).map_err(|_| Errno::Io)?;
            }
            self.flush(by, control)?;
        }
        Ok(())
    }

    /// What came, at most a [`PIECE`]; nothing at the end.
    pub fn receive(&mut self, by: Instant, control: &CallControl) -> Result<Vec<u8>> {
        loop {
            let Some(tls) = &mut self.tls else { return self.receive_plain(by, control) };
            let mut piece = vec![0; PIECE];
            match tls.reader().read(&mut piece) {
                Ok(count) => {
                    piece.truncate(count);
                    return Ok(piece);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => drop(self.take_record(by, control)?),
                // Whoever cuts the line does not get to say where an answer ends.
                Err(_) => return Err(Errno::Connreset.into()),
            }
        }
    }

    /// What to wait for before something can be read. Under TLS that can be here already, so that nothing tells.
    pub fn waits_for(&self) -> Option<RawFd> {
        self.tls.is_none().then(|| self.socket.raw())
    }

    /// Sends what TLS has to say.
    fn flush(&mut self, by: Instant, control: &CallControl) -> Result<()> {
        while let Some(tls) = self.tls.as_mut().filter(|tls| tls.wants_write()) {
            let mut records = Vec::new();
            tls.write_tls(&mut records).map_err(|_| Errno::Io)?;
            self.send_plain(&records, by, control)?;
        }
        Ok(())
    }

    /// Gives TLS some of what came; how many bytes, 0 at the end. It has no plain bytes left that were not read.
    fn take_record(&mut self, by: Instant, control: &CallControl) -> Result<usize> {
        if self.untaken.is_empty() {
            self.untaken = self.receive_plain(by, control)?;
        }
        let Some(tls) = &mut self.tls else { return Ok(0) };
        let taken = tls.read_tls(&mut &self.untaken[..]).map_err(|_| Errno::Proto)?;
        self.problem = tls.process_new_packets().err();
        self.untaken.drain(..taken);
        // An alert tells the other side why.
        let flushed = self.flush(by, control);
        match (self.problem.is_some(), flushed) {
            (_, Err(Failure::End(ended))) => Err(ended.into()),
            (true, _) => Err(Errno::Proto.into()),
            (false, flushed) => flushed.map(|()| taken),
        }
    }

    fn send_plain(&mut self, mut bytes: &[u8], by: Instant, control: &CallControl) -> Result<()> {
        while !bytes.is_empty() {
            self.limit(by)?;
            let sent = self.socket.send(bytes, None, true, control).map_err(late)?;
            bytes = bytes.get(sent..).unwrap_or_default();
        }
        Ok(())
    }

    fn receive_plain(&mut self, by: Instant, control: &CallControl) -> Result<Vec<u8>> {
        self.limit(by)?;
        let (bytes, _) = self.socket.receive(PIECE, false, true, |_| true, control).map_err(late)?;
        Ok(bytes)
    }

    fn limit(&mut self, by: Instant) -> Result<()> {
        // None at all would be no limit.
        let left = by.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        self.socket.set(SocketOption::SendTimeout(left))?;
        self.socket.set(SocketOption::ReceiveTimeout(left))
    }
}

/// A wait that took its time is over for good.
fn late(failure: Failure) -> Failure {
    match failure {
        Failure::Errno(Errno::Again) => Errno::Timedout.into(),
        other => other,
    }
}
