//! HTTP requests. The host speaks TLS; what may be reached stands in the function's settings.

use std::ffi::CString;
use std::io::{Error, ErrorKind, Read, Result};

use crate::{address, imports};

/// What came of a request; its body is read from it.
#[derive(Debug)]
pub struct Answer(u32);

/// Sends a request to an http or https URL and waits for the head of its answer, whatever its status.
///
/// # Errors
/// When there is no answer: `PermissionDenied` when the settings do not allow the address, otherwise as for a socket.
/// `InvalidInput` when a text holds a NUL byte.
pub fn request(method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Answer> {
    let lines: String = headers.iter().map(|(name, value)| format!("{}: {}\n", name, value)).collect();
    let text = |text: &str| CString::new(text).map_err(|error| Error::new(ErrorKind::InvalidInput, error));
    let (method, url, lines) = (text(method)?, text(url)?, text(&lines)?);
    // SAFETY: the texts end with NUL and the host reads inside the slice.
    let fd = unsafe {
        imports::__faaslet_http(
            address(method.as_ptr().cast()),
            address(url.as_ptr().cast()),
            address(lines.as_ptr().cast()),
            address(body.as_ptr()),
            body.len() as u32,
        )
    };
    if fd == u32::MAX {
        return Err(why_not());
    }
    Ok(Answer(fd))
}

/// The error number, or what TLS did not like.
fn why_not() -> Error {
    let mut text = [0; 256];
    // SAFETY: the host writes no more than the buffer's length.
    let (errno, size) = unsafe {
        (imports::__faaslet_errno(), imports::__faaslet_http_problem(address(text.as_mut_ptr()), text.len() as u32))
    };
    let error = Error::from_raw_os_error(errno as i32);
    match text.get(..size.min(256) as usize) {
        Some(problem) if size > 0 => Error::new(error.kind(), format!("{}: {}", error, String::from_utf8_lossy(problem))),
        _ => error,
    }
}

impl Answer {
    /// The status, e.g. 200.
    pub fn status(&self) -> u16 {
        // SAFETY: there is nothing to get wrong.
        unsafe { imports::__faaslet_http_status(self.0) as u16 }
    }

    /// The value of a header; of one that came more than once all values, a line each.
    pub fn header(&self, name: &str) -> Option<String> {
        let name = CString::new(name).ok()?;
        let at = address(name.as_ptr().cast());
        // SAFETY: the name ends with NUL; with length 0 nothing is written, and the vector has as much room as the second
        // call is told.
        unsafe {
            let size = imports::__faaslet_http_header(self.0, at, 0, 0);
            if size == u32::MAX {
                return None;
            }
            let mut value = vec![0; size as usize];
            imports::__faaslet_http_header(self.0, at, address(value.as_mut_ptr()), size);
            Some(String::from_utf8_lossy(&value).into_owned())
        }
    }
}

impl Read for Answer {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let (piece, mut read) = (Piece { at: address(buffer.as_mut_ptr()), length: buffer.len() as u32 }, 0);
        // SAFETY: the piece is the slice, and there is one.
        match unsafe { fd_read(self.0, &piece, 1, &mut read) } {
            0 => Ok(read as usize),
            error => Err(Error::from_raw_os_error(error as i32)),
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        // SAFETY: the descriptor is this answer's own.
        unsafe { fd_close(self.0) };
    }
}

#[repr(C)]
struct Piece {
    at: u32,
    length: u32,
}

#[link(wasm_import_module = "wasi_snapshot_preview1")]
extern "C" {
    fn fd_read(fd: u32, pieces: *const Piece, count: u32, read: *mut u32) -> u32;
    fn fd_close(fd: u32) -> u32;
}
