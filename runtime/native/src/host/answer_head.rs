//! What a guest sets of its answer's head over HTTP.

use faaslet_wasi::{Errno, WasiHost};
use wasmtime::{Caller, Error, Linker, Result};

use super::errno::fail;
use super::guest_memory::copy_text;
use crate::state::State;

/// `HTTP_LIMITS.answerHeadersMax`.
const HEADERS_MAX: usize = 100;
/// `HTTP_LIMITS.answerHeadBytesMax`.
const HEAD_BYTES_MAX: usize = 32 << 10;
/// They belong to the connection, or say what the body's length is. `http/headed_answer.ts` has the same list.
const OURS: [&str; 9] = [
    "connection",
    "content-length",
    "keep-alive",
    "proxy-authenticate",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Status and headers in the order in which they were first set; names in lower case.
#[derive(Default)]
pub struct AnswerHead {
    status: Option<u16>,
    headers: Vec<(String, String)>,
    /// Of the lines that the headers become.
    bytes: usize,
}

impl AnswerHead {
    fn set_status(&mut self, status: u32) -> Result<(), Errno> {
        let status = u16::try_from(status).ok().filter(|status| (200..=599).contains(status));
        self.status = Some(status.ok_or(Errno::Inval)?);
        Ok(())
    }

    fn set_header(&mut self, name: &str, value: &str) -> Result<(), Errno> {
        let name = name.to_ascii_lowercase();
        let value = value.trim_matches([' ', '\t']);
        // "status" would be read as one.
        if !is_token(&name) || !is_value(value) || name == "status" {
            return Err(Errno::Inval);
        }
        if OURS.contains(&name.as_str()) {
            return Err(Errno::Perm);
        }
        let place = self.headers.iter().position(|(set, _)| *set == name && name != "set-cookie");
        let before = place.and_then(|at| self.headers.get(at)).map_or(0, line_bytes);
        let header = (name, value.to_owned());
        let bytes = self.bytes - before + line_bytes(&header);
        if bytes > HEAD_BYTES_MAX || (place.is_none() && self.headers.len() >= HEADERS_MAX) {
            return Err(Errno::TooBig);
        }
        self.bytes = bytes;
        match place.and_then(|at| self.headers.get_mut(at)) {
            Some(set) => *set = header,
            None => self.headers.push(header),
        }
        Ok(())
    }

    /// As header lines, the status among them as CGI has it; nothing when nothing was set.
    pub fn take_lines(&mut self) -> Vec<u8> {
        let Self { status, headers, .. } = std::mem::take(self);
        let mut lines = String::new();
        if let Some(status) = status {
            lines += &format!("status: {status}\n");
        }
        for (name, value) in headers {
            lines += &format!("{name}: {value}\n");
        }
        lines.into_bytes()
    }
}

fn line_bytes((name, value): &(String, String)) -> usize {
    name.len() + value.len() + ": \n".len()
}

/// RFC 9110 5.6.2.
fn is_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// RFC 9110 5.5: no control character but a tab, so that no line can end in it.
fn is_value(value: &str) -> bool {
    value.bytes().all(|byte| byte == b'\t' || (byte >= 0x20 && byte != 0x7f))
}

pub fn add_to_linker(linker: &mut Linker<State>) -> Result<()> {
    linker.func_wrap("env", "__faaslet_set_status", |mut caller: Caller<'_, State>, status: u32| {
        caller.data_mut().go_on()?;
        let set = caller.data_mut().io.head.set_status(status);
        Ok(answer(&mut caller, set))
    })?;
    linker.func_wrap("env", "__faaslet_set_header", |mut caller: Caller<'_, State>, name: u32, value: u32| {
        caller.data_mut().go_on()?;
        let [name, value] = [name, value].map(|text| copy_text(caller.data(), text, HEAD_BYTES_MAX as u32));
        let (name, value) = (name.map_err(Error::new)?, value.map_err(Error::new)?);
        let set = caller.data_mut().io.head.set_header(&name, &value);
        Ok(answer(&mut caller, set))
    })?;
    Ok(())
}

fn answer(caller: &mut Caller<'_, State>, outcome: Result<(), Errno>) -> i32 {
    match outcome {
        Ok(()) => 0,
        Err(errno) => fail(caller, errno),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_of_a_name_counts_and_each_cookie_is_one() {
        let mut head = AnswerHead::default();
        assert_eq!(head.take_lines(), b"");
        for (name, value) in [("X-One", "1"), ("set-cookie", "a=1"), ("x-ONE", " 2\t"), ("Set-Cookie", "b=2")] {
            assert_eq!(head.set_header(name, value), Ok(()));
        }
        assert_eq!(head.set_status(404), Ok(()));
        assert_eq!(head.set_status(201), Ok(()));
        assert_eq!(head.take_lines(), b"status: 201\nx-one: 2\nset-cookie: a=1\nset-cookie: b=2\n");
        assert_eq!(head.take_lines(), b"", "what was taken is gone");
    }

    #[test]
    fn what_is_no_head_is_refused_and_changes_nothing() {
        let mut head = AnswerHead::default();
        for status in [0, 100, 199, 600, 65_736, u32::MAX] {
            assert_eq!(head.set_status(status), Err(Errno::Inval), "{status}");
        }
        for (name, value) in [
            ("", "x"),
            ("a b", "x"),
            ("a:", "x"),
            ("a\n", "x"),
            ("ä", "x"),
            ("status", "200"),
            ("a", "x\r\ny: z"),
            ("a", "x\ny"),
            ("a", "x\u{7f}"),
            ("a", "x\u{1}"),
        ] {
            assert_eq!(head.set_header(name, value), Err(Errno::Inval), "{name:?}: {value:?}");
        }
        for name in OURS {
            assert_eq!(head.set_header(&name.to_ascii_uppercase(), "1"), Err(Errno::Perm), "{name}");
        }
        assert_eq!(head.take_lines(), b"");
    }

    #[test]
    fn a_head_has_a_limit_of_headers_and_of_bytes() {
        let mut head = AnswerHead::default();
        for number in 0..HEADERS_MAX {
            assert_eq!(head.set_header(&format!("x-{number}"), "1"), Ok(()));
        }
        assert_eq!(head.set_header("x-more", "1"), Err(Errno::TooBig));
        assert_eq!(head.set_header("x-7", "another"), Ok(()), "a name that is there needs no room");
        let mut head = AnswerHead::default();
        let half = "v".repeat(HEAD_BYTES_MAX / 2);
        assert_eq!(head.set_header("a", &half), Ok(()));
        assert_eq!(head.set_header("b", &half), Err(Errno::TooBig));
        assert_eq!(head.set_header("a", &half), Ok(()), "the same again");
        assert_eq!(head.set_header("a", ""), Ok(()));
        assert_eq!(head.set_header("b", &half), Ok(()), "what was replaced is not counted");
    }
}
