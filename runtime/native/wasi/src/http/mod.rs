//! HTTP on behalf of guests: TLS is spoken here, names are looked up by whoever owns the call, and every connection, redirects
//! included, is made to an address that the function's rules allow, and to no other.

mod answer;
mod connection;
mod request;
mod trust;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use rustls::ClientConfig;

use crate::abi::types::{Errno, Fdflags, Rights};
use crate::control::Ended;
use crate::descriptors::{Opened, Target};
use crate::failure::{Failure, Result};
use crate::settings::HttpLimits;
use crate::wasi::Wasi;

pub use answer::Answer;
use answer::{Outcome, exchange};
use connection::Connection;
pub use request::Request;
pub use trust::trust;

/// What is asked of the rest of the program.
pub trait Outside {
    /// The addresses of a name, as this machine knows it.
    fn addresses(&mut self, name: &str) -> std::result::Result<Vec<IpAddr>, NoAddress>;

    /// Whom TLS believes.
    fn trust(&mut self) -> Result<Arc<ClientConfig>>;
}

/// Why a name has no address here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoAddress {
    /// No rule names it, so that nobody was asked.
    NotNamed,
    Unknown,
    /// Nobody could tell.
    Broken,
    Ended(Ended),
}

impl From<NoAddress> for Failure {
    fn from(why: NoAddress) -> Self {
        match why {
            NoAddress::NotNamed => Errno::Acces.into(),
            NoAddress::Unknown => Errno::Noent.into(),
            NoAddress::Broken => Errno::Again.into(),
            NoAddress::Ended(ended) => ended.into(),
        }
    }
}

impl Wasi {
    /// The addresses of a name. From now on in this call they are what the rules mean by the name.
    pub fn look_up(&mut self, name: &str, outside: &mut dyn Outside) -> std::result::Result<Vec<IpAddr>, NoAddress> {
        // By its definition, and nobody has to be asked for it; whether it may be reached is the rules' to say.
        if name.eq_ignore_ascii_case("localhost") && !self.settings.network.is_empty() {
            return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
        }
        // A name that no rule names tells nobody anything, not even that somebody asked for it.
        if !self.settings.network.names(name) {
            return Err(NoAddress::NotNamed);
        }
        let addresses = outside.addresses(name)?;
        self.note_resolved(name, &addresses);
        Ok(addresses)
    }

    pub fn http_limits(&self) -> HttpLimits {
        self.settings.http
    }

    /// What TLS did not like about whoever was asked last; empty when that was not it.
    pub fn http_problem(&self) -> &str {
        &self.http_problem
    }

    /// Makes a request; a descriptor from which the answer's body is read.
    pub fn http(&mut self, request: Request, outside: &mut dyn Outside) -> Result<u32> {
        self.used_network = true;
        let max = self.settings.quotas.descriptors;
        self.descriptors().check_room(max)?;
        let limits = self.settings.http;
        let by = Instant::now() + limits.head;
        self.http_problem.clear();
        let mut request = request;
        for _ in 0..=limits.redirects {
            let connection = self.reach(&request, outside, by)?;
            match exchange(connection, &request, &limits, by, &self.control)? {
                Outcome::Answer(answer) => return self.keep(*answer, max),
                Outcome::Redirect(status, location) => request = request.redirected(status, &location)?,
            }
        }
        Err(Errno::Loop.into())
    }

    /// A connection to the first address of the request's place that may be reached and answers.
    fn reach(&mut self, request: &Request, outside: &mut dyn Outside, by: Instant) -> Result<Connection> {
        let target = &request.target;
        let addresses = match target.address() {
            Some(address) => vec![address],
            None => self.look_up(&target.host, outside)?,
        };
        let places = addresses.into_iter().map(|address| SocketAddr::new(address, target.port));
        let allowed: Vec<_> = places.filter(|to| self.settings.network.check(*to, &self.resolved).is_ok()).collect();
        let mut why = Failure::from(Errno::Acces);
        for (to, left) in allowed.iter().zip((1..=allowed.len() as u32).rev()) {
            // One that does not answer leaves time for the others.
            let turn = by.saturating_duration_since(Instant::now()) / left;
            match Connection::open(*to, Instant::now() + turn, &self.control) {
                Ok(mut connection) => {
                    if target.is_secure {
                        let trust = outside.trust()?;
                        let secured = connection.secure(&target.host, trust, by, &self.control);
                        self.http_problem = connection.problem.as_ref().map(ToString::to_string).unwrap_or_default();
                        secured?;
                    }
                    return Ok(connection);
                }
                Err(Failure::End(ended)) => return Err(ended.into()),
                Err(failure) => why = failure,
            }
        }
        Err(why)
    }

    fn keep(&mut self, answer: Answer, max: usize) -> Result<u32> {
        let number = self.answers.add(answer)?;
        let rights = Rights::FD_READ | Rights::POLL_FD_READWRITE | Rights::FD_FILESTAT_GET;
        let target = Target::Answer(number);
        self.descriptors_mut()
            .open(Opened { target, flags: Fdflags::empty(), rights, inheriting: Rights::empty() }, max)
    }

    /// The answer behind a descriptor.
    pub fn answer_of(&self, fd: u32) -> Result<&Answer> {
        match self.descriptors().get(fd)?.target {
            Target::Answer(number) => self.answers.get(number),
            _ => Err(Errno::Badf.into()),
        }
    }

    /// Reads an answer's body.
    pub(crate) fn read_answer(&mut self, number: u32, into: &mut [u8]) -> Result<usize> {
        let limits = self.settings.http;
        self.answers.get_mut(number)?.read(into, &limits, &self.control)
    }
}
