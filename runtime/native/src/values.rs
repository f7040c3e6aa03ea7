//! Values of globals as they are written down.

use serde::{Deserialize, Serialize};
use wasmtime::Val;

use crate::fault::Fault;

/// A value that means the same in every Faaslet; numbers by their bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum StoredValue {
    I32(i32),
    I64(i64),
    F32(u32),
    F64(u64),
    V128(u64, u64),
}

impl StoredValue {
    /// No module has a mutable global that is a reference: it would have been refused.
    pub fn of(value: &Val) -> Result<Self, Fault> {
        Ok(match value {
            Val::I32(value) => Self::I32(*value),
            Val::I64(value) => Self::I64(*value),
            Val::F32(bits) => Self::F32(*bits),
            Val::F64(bits) => Self::F64(*bits),
            Val::V128(value) => {
                let bits = value.as_u128();
                Self::V128((bits >> 64) as u64, bits as u64)
            }
            _ => return Err(Fault::bug("a global that is a reference")),
        })
    }

    pub fn load(&self) -> Val {
        match *self {
            Self::I32(value) => Val::I32(value),
            Self::I64(value) => Val::I64(value),
            Self::F32(bits) => Val::F32(bits),
            Self::F64(bits) => Val::F64(bits),
            Self::V128(high, low) => Val::V128((u128::from(high) << 64 | u128::from(low)).into()),
        }
    }
}
