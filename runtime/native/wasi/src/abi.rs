//! The interface as WASI's own witx files define it: types, the trait to implement, and functions that unpack arguments.

#![allow(clippy::all, clippy::pedantic, reason = "generated")]

use crate::failure::Failure;

include!(concat!(env!("OUT_DIR"), "/abi.rs"));
