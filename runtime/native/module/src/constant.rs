//! The values of constant expressions (core specification 3.3.13, with extended constants).

use wasmparser::{ConstExpr, Operator};

use crate::parsed::Parsed;
use crate::refusal::Refusal;

/// The constants of a module. Every global is evaluated once: expressions that refer to one another would otherwise take
/// exponential time. All globals are the module's own, since imported ones are refused at upload.
pub struct Constants {
    /// Of globals of type i32.
    numbers: Vec<Option<u32>>,
    /// Of globals that hold a reference to a function.
    functions: Vec<Option<u32>>,
}

impl Constants {
    pub fn of(parsed: &Parsed<'_>) -> Result<Self, Refusal> {
        let mut constants = Self { numbers: Vec::new(), functions: Vec::new() };
        for global in &parsed.globals {
            let number = constants.offset(&global.init_expr).ok();
            let function = constants.function(&global.init_expr)?;
            constants.numbers.push(number);
            constants.functions.push(function);
        }
        Ok(constants)
    }

    /// An offset into a memory or table.
    pub fn offset(&self, expression: &ConstExpr<'_>) -> Result<u32, Refusal> {
        let strange = || Refusal::invalid("an offset that is not a constant i32");
        let mut stack: Vec<u32> = Vec::new();
        let mut reader = expression.get_operators_reader();
        loop {
            let value = match reader.read()? {
                Operator::End => break,
                Operator::I32Const { value } => value.cast_unsigned(),
                Operator::GlobalGet { global_index } => {
                    self.numbers.get(global_index as usize).copied().flatten().ok_or_else(strange)?
                }
                operator @ (Operator::I32Add | Operator::I32Sub | Operator::I32Mul) => {
                    let (right, left) = (stack.pop().ok_or_else(strange)?, stack.pop().ok_or_else(strange)?);
                    match operator {
                        Operator::I32Add => left.wrapping_add(right),
                        Operator::I32Sub => left.wrapping_sub(right),
                        _ => left.wrapping_mul(right),
                    }
                }
                _ => return Err(strange()),
            };
            stack.push(value);
        }
        stack.pop().ok_or_else(strange)
    }

    /// The function that an expression refers to; none for a null reference or another type.
    pub fn function(&self, expression: &ConstExpr<'_>) -> Result<Option<u32>, Refusal> {
        Ok(match expression.get_operators_reader().read()? {
            Operator::RefFunc { function_index } => Some(function_index),
            Operator::GlobalGet { global_index } => self.functions.get(global_index as usize).copied().flatten(),
            _ => None,
        })
    }
}
