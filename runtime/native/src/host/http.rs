//! HTTP requests of guests: what they ask for is copied here, what becomes of it is in the crate of WASI.

use faaslet_wasi::{Ended, Errno, Failure, Request, WasiHost};
use wasmtime::{Caller, Error, Linker, Result};

use super::errno::fail;
use super::guest_memory::{check_range, copy_in, copy_out, copy_text};
use super::outside::Asked;
use crate::fault::Fault;
use crate::state::State;

type Host<'a> = Caller<'a, State>;

const METHOD_BYTES_MAX: u32 = 32;
/// What servers take; `HTTP_LIMITS.requestUrlBytesMax`.
const URL_BYTES_MAX: u32 = 8 << 10;
/// `HTTP_LIMITS.requestHeadBytesMax`.
const HEADERS_BYTES_MAX: u32 = 32 << 10;
const NAME_BYTES_MAX: u32 = 256;

pub fn add_to_linker(linker: &mut Linker<State>) -> Result<()> {
    linker.func_wrap(
        "env",
        "__faaslet_http",
        |mut caller: Host<'_>, method: u32, url: u32, headers: u32, body: u32, length: u32| {
            caller.data_mut().go_on()?;
            let asked = copy_request(caller.data(), (method, url, headers), (body, length))?;
            if caller.data().slow.is_none() {
                return Err(Error::new(Ended::Unanswered));
            }
            let State { wasi, slow, .. } = caller.data_mut();
            let opened = asked.and_then(|request| wasi.http(request, &mut Asked(slow)));
            answer(&mut caller, opened)
        },
    )?;
    linker.func_wrap("env", "__faaslet_http_status", |mut caller: Host<'_>, fd: u32| {
        caller.data_mut().go_on()?;
        let status = caller.data().wasi.answer_of(fd).map(|answer| u32::from(answer.status));
        answer(&mut caller, status)
    })?;
    linker.func_wrap(
        "env",
        "__faaslet_http_header",
        |mut caller: Host<'_>, fd: u32, name: u32, buffer: u32, length: u32| {
            caller.data_mut().go_on()?;
            let name = copy_text(caller.data(), name, NAME_BYTES_MAX).map_err(Error::new)?;
            check_range(caller.data(), buffer, length).map_err(Error::new)?;
            let found =
                caller.data().wasi.answer_of(fd).and_then(|answer| Ok(answer.header(&name).ok_or(Errno::Noent)?));
            let size = match found {
                Ok(value) => Ok(copy_what_fits(caller.data(), &value, buffer, length)?),
                Err(failure) => Err(failure),
            };
            answer(&mut caller, size)
        },
    )?;
    linker.func_wrap("env", "__faaslet_http_problem", |mut caller: Host<'_>, buffer: u32, length: u32| {
        caller.data_mut().go_on()?;
        check_range(caller.data(), buffer, length).map_err(Error::new)?;
        let state = caller.data();
        copy_what_fits(state, state.wasi.http_problem().as_bytes(), buffer, length)
    })?;
    Ok(())
}

/// Gives the size of all of it.
fn copy_what_fits(state: &State, bytes: &[u8], buffer: u32, length: u32) -> Result<u32> {
    let fits = bytes.len().min(length as usize);
    copy_out(state, buffer, &bytes[..fits]).map_err(Error::new)?;
    u32::try_from(bytes.len()).map_err(|error| Error::new(Fault::bug(error)))
}

/// The request as it was at one moment. A pointer that is none ends the call; what the texts say is the guest's to hear.
fn copy_request(
    state: &State,
    (method, url, headers): (u32, u32, u32),
    (body, length): (u32, u32),
) -> Result<std::result::Result<Request, Failure>> {
    let method = copy_text(state, method, METHOD_BYTES_MAX).map_err(Error::new)?;
    let url = copy_text(state, url, URL_BYTES_MAX).map_err(Error::new)?;
    let headers =
        if headers == 0 { String::new() } else { copy_text(state, headers, HEADERS_BYTES_MAX).map_err(Error::new)? };
    check_range(state, body, length).map_err(Error::new)?;
    if u64::from(length) > state.wasi.http_limits().request_body_bytes {
        return Ok(Err(Errno::TooBig.into()));
    }
    let body = copy_in(state, body, length).map_err(Error::new)?;
    Ok(Request::parse(&method, &url, &headers, body))
}

fn answer(caller: &mut Host<'_>, outcome: std::result::Result<u32, Failure>) -> Result<i32> {
    match outcome {
        Ok(value) => Ok(value.cast_signed()),
        Err(Failure::Errno(errno)) => Ok(fail(caller, errno)),
        Err(Failure::End(ended)) => Err(Error::new(ended)),
    }
}
