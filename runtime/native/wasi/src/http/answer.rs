//! One request over one connection, and what comes back: its head at once, its body as it is read.

use std::os::fd::RawFd;
use std::time::Instant;

use ureq_proto::client::state::{RecvBody, RecvResponse};
use ureq_proto::client::{Call, RecvResponseResult, SendRequestResult};
use ureq_proto::http::{self, HeaderMap, HeaderValue, Response, StatusCode, header};
use ureq_proto::{BodyMode, Error};

use super::connection::{Connection, PIECE};
use super::request::Request;
use crate::abi::types::Errno;
use crate::control::CallControl;
use crate::failure::{Failure, Result};
use crate::settings::HttpLimits;

/// What a request led to.
pub enum Outcome {
    Answer(Box<Answer>),
    /// Its location, as it stood there.
    Redirect(StatusCode, String),
}

/// An answer that is being read.
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    /// Until the body has ended.
    rest: Option<(Connection, Call<RecvBody>)>,
    /// Came, and was not looked at.
    received: Vec<u8>,
    read: u64,
}

/// Sends the request and waits for the head of its answer.
pub fn exchange(
    mut connection: Connection,
    request: &Request,
    limits: &HttpLimits,
    by: Instant,
    control: &CallControl,
) -> Result<Outcome> {
    let mut call = send(&mut connection, request, by, control)?;
    let mut received = Vec::new();
    let head = receive_head(&mut connection, &mut call, &mut received, limits.answer_head_bytes, by, control)?;
    let (status, headers) = (head.status(), head.into_parts().0.headers);
    // Nobody asked for another protocol.
    if status == StatusCode::SWITCHING_PROTOCOLS {
        return Err(Errno::Proto.into());
    }
    if matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
        && let Some(location) = headers.get(header::LOCATION)
    {
        let location = location.to_str().map_err(|_| Errno::Proto)?.to_owned();
        return Ok(Outcome::Redirect(status, location));
    }
    let rest = match call.proceed() {
        Some(RecvResponseResult::RecvBody(call)) => Some((connection, call)),
        _ => None,
    };
    Ok(Outcome::Answer(Box::new(Answer { status: status.as_u16(), headers, rest, received, read: 0 })))
}

fn send(
    connection: &mut Connection,
    request: &Request,
    by: Instant,
    control: &CallControl,
) -> Result<Call<RecvResponse>> {
    let mut head = http::Request::builder().method(&request.method).uri(&request.target.uri);
    if let Some(headers) = head.headers_mut() {
        headers.clone_from(&request.headers);
        // One request a connection: nothing of one answer is ever taken for a part of another.
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        // Many servers refuse who does not say what he is.
        headers.entry(header::USER_AGENT).or_insert(HeaderValue::from_static("faaslet"));
        let is_sent = !request.body.is_empty() || matches!(request.method.as_str(), "POST" | "PUT" | "PATCH");
        if is_sent {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(request.body.len()));
        }
    }
    let has_body = head.headers_ref().is_some_and(|headers| headers.contains_key(header::CONTENT_LENGTH));
    let mut call = Call::new(head.body(()).map_err(|_| Errno::Inval)?).map_err(wrong)?;
    call.allow_non_standard_methods(true);
    if has_body {
        call.force_send_body();
    }
    let mut call = call.proceed();
    // Each line has to fit.
    let mut lines = vec![0; PIECE + request.target.uri.path_and_query().map_or(0, |path| path.as_str().len())];
    let longest = request.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).max();
    lines.resize(lines.len().max(longest.unwrap_or(0)), 0);
    while !call.can_proceed() {
        let count = call.write(&mut lines).map_err(wrong)?;
        connection.send(lines.get(..count).unwrap_or_default(), by, control)?;
    }
    match call.proceed().map_err(wrong)? {
        Some(SendRequestResult::RecvResponse(call)) => Ok(call),
        Some(SendRequestResult::SendBody(mut call)) => {
            connection.send(&request.body, by, control)?;
            call.consume_direct_write(request.body.len()).map_err(wrong)?;
            Ok(call.proceed().ok_or(Errno::Proto)?)
        }
        _ => Err(Errno::Proto.into()),
    }
}

/// Reads until the head is there; what follows it stays in `received`.
fn receive_head(
    connection: &mut Connection,
    call: &mut Call<RecvResponse>,
    received: &mut Vec<u8>,
    bytes_max: usize,
    by: Instant,
    control: &CallControl,
) -> Result<Response<()>> {
    let mut total = 0;
    loop {
        let piece = connection.receive(by, control)?;
        if piece.is_empty() {
            return Err(Errno::Connreset.into());
        }
        total += piece.len();
        let looked = received.len().saturating_sub(2);
        received.extend_from_slice(&piece);
        // Whoever sends byte after byte must not have all of it parsed at each.
        let mut may_be_whole = has_blank_line(received.get(looked..).unwrap_or_default());
        while may_be_whole {
            let (used, head) = call.try_response(received, false).map_err(wrong)?;
            received.drain(..used);
            if let Some(head) = head {
                return if total - received.len() > bytes_max { Err(Errno::Msgsize.into()) } else { Ok(head) };
            }
            // What comes before the answer proper ("100 Continue") is passed over; there may be more of it.
            may_be_whole = used > 0;
        }
        if total >= bytes_max {
            return Err(Errno::Msgsize.into());
        }
    }
}

fn has_blank_line(bytes: &[u8]) -> bool {
    bytes.windows(2).any(|two| two == b"\n\n") || bytes.windows(3).any(|three| three == b"\n\r\n")
}

impl Answer {
    /// What there is of the body, as much as fits; 0 at its end.
    pub fn read(&mut self, into: &mut [u8], limits: &HttpLimits, control: &CallControl) -> Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        let by = Instant::now() + limits.pause;
        loop {
            control.go_on()?;
            let Some((connection, call)) = &mut self.rest else { return Ok(0) };
            let (used, written) = call.read(&self.received, into).map_err(wrong)?;
            self.received.drain(..used);
            if written > 0 {
                self.read += written as u64;
                return if self.read > limits.answer_body_bytes { Err(Errno::Fbig.into()) } else { Ok(written) };
            }
            let is_until_close = call.body_mode() == BodyMode::CloseDelimited;
            if call.can_proceed() && !is_until_close {
                self.rest = None;
                return Ok(0);
            }
            if used > 0 && !self.received.is_empty() {
                continue;
            }
            // A line between chunks that has no end.
            if self.received.len() > PIECE {
                return Err(Errno::Proto.into());
            }
            let piece = connection.receive(by, control)?;
            if piece.is_empty() {
                // Whoever said how much there is has to give as much.
                let is_whole = is_until_close || call.is_ended_chunked();
                self.rest = None;
                return if is_whole { Ok(0) } else { Err(Errno::Connreset.into()) };
            }
            self.received.extend_from_slice(&piece);
        }
    }

    /// The values of a header, a line each.
    pub fn header(&self, name: &str) -> Option<Vec<u8>> {
        let values: Vec<_> = self.headers.get_all(name).iter().map(HeaderValue::as_bytes).collect();
        (!values.is_empty()).then(|| values.join(&b'\n'))
    }

    /// The socket to wait for, unless there is something to read already.
    pub fn waits_for(&self) -> Option<RawFd> {
        let (connection, _) = self.rest.as_ref()?;
        if self.received.is_empty() { connection.waits_for() } else { None }
    }
}

/// What a server sent is not HTTP, or not of a kind that there is an answer to.
fn wrong(error: Error) -> Failure {
    match error {
        Error::HttpParseTooManyHeaders => Errno::Msgsize.into(),
        _ => Errno::Proto.into(),
    }
}
