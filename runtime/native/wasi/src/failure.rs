//! How a host function fails: with an error number that the guest gets, or by ending the call.

use wiggle::GuestError;

use crate::abi::types::{Errno, UserErrorConversion};
use crate::control::Ended;
use crate::wasi::Wasi;

pub type Result<T> = std::result::Result<T, Failure>;

#[derive(Debug)]
pub enum Failure {
    Errno(Errno),
    End(Ended),
}

impl From<Errno> for Failure {
    fn from(errno: Errno) -> Self {
        Self::Errno(errno)
    }
}

impl From<Ended> for Failure {
    fn from(ended: Ended) -> Self {
        Self::End(ended)
    }
}

impl From<GuestError> for Failure {
    fn from(error: GuestError) -> Self {
        Self::Errno(match error {
            GuestError::PtrOverflow | GuestError::PtrOutOfBounds(_) | GuestError::PtrNotAligned(..) => Errno::Fault,
            GuestError::InvalidUtf8(_) => Errno::Ilseq,
            _ => Errno::Inval,
        })
    }
}

impl wiggle::GuestErrorType for Errno {
    fn success() -> Self {
        Self::Success
    }
}

/// What a guest handed over that no function could take: a bad pointer for a result, or a value that does not exist. As in
/// Wasmtime it ends the call.
#[derive(Debug)]
pub struct Misuse {
    pub is_pointer: bool,
    pub message: String,
}

impl Misuse {
    /// The misuse behind an error of one of WASI's functions.
    pub fn of(error: &wiggle::error::Error) -> Option<Self> {
        let mut cause = error.downcast_ref::<GuestError>()?;
        let message = cause.to_string();
        while let GuestError::InFunc { err, .. } = cause {
            cause = err;
        }
        let is_pointer =
            matches!(cause, GuestError::PtrOverflow | GuestError::PtrOutOfBounds(_) | GuestError::PtrNotAligned(..));
        Some(Self { is_pointer, message })
    }
}

impl UserErrorConversion for Wasi {
    fn errno_from_failure(&mut self, failure: Failure) -> wiggle::error::Result<Errno> {
        match failure {
            Failure::Errno(errno) => Ok(errno),
            Failure::End(ended) => Err(wiggle::error::Error::new(ended)),
        }
    }
}
