//! The values of constant expressions (core specification 3.3.13, with extended constants). Without garbage collection they can
//! read imported globals only, and those are refused at upload: an accepted module's are known from its bytes alone.

use wasmparser::{ConstExpr, Operator};

use crate::refusal::Refusal;

/// An offset into a memory or table.
pub fn offset(expression: &ConstExpr<'_>) -> Result<u32, Refusal> {
    number(expression)?.ok_or_else(|| Refusal::invalid("an offset that is not a constant i32"))
}

/// The value of an i32 expression; none for another type and where an imported global is needed.
pub fn number(expression: &ConstExpr<'_>) -> Result<Option<u32>, Refusal> {
    let mut stack: Vec<u32> = Vec::new();
    let mut reader = expression.get_operators_reader();
    loop {
        let value = match reader.read()? {
            Operator::End => break,
            Operator::I32Const { value } => Some(value.cast_unsigned()),
            Operator::I32Add => fold(&mut stack, u32::wrapping_add),
            Operator::I32Sub => fold(&mut stack, u32::wrapping_sub),
            Operator::I32Mul => fold(&mut stack, u32::wrapping_mul),
            _ => None,
        };
        let Some(value) = value else { return Ok(None) };
        stack.push(value);
    }
    Ok(stack.pop())
}

/// An offset from an imported global, to which only constants are added.
pub fn offset_from(base: u32, expression: &ConstExpr<'_>) -> Result<u32, Refusal> {
    let wrong = || Refusal::invalid("an offset that is not a constant behind __memory_base");
    let (mut sum, mut bases, mut values, mut additions) = (0u32, 0, 0, 0);
    for operator in expression.get_operators_reader() {
        match operator? {
            Operator::GlobalGet { global_index } if global_index == base => {
                bases += 1;
                values += 1;
            }
            Operator::I32Const { value } => {
                sum = sum.wrapping_add(value.cast_unsigned());
                values += 1;
            }
            Operator::I32Add => additions += 1,
            Operator::End => {}
            _ => return Err(wrong()),
        }
    }
    if bases == 1 && additions + 1 == values { Ok(sum) } else { Err(wrong()) }
}

/// The function that an expression refers to; none for a null reference or another type.
pub fn function(expression: &ConstExpr<'_>) -> Result<Option<u32>, Refusal> {
    Ok(match expression.get_operators_reader().read()? {
        Operator::RefFunc { function_index } => Some(function_index),
        _ => None,
    })
}

fn fold(stack: &mut Vec<u32>, operation: fn(u32, u32) -> u32) -> Option<u32> {
    let (right, left) = (stack.pop()?, stack.pop()?);
    Some(operation(left, right))
}

/// An expression in the words of the text format, bounded.
pub fn words(expression: &ConstExpr<'_>) -> String {
    const OPERATORS_MAX: usize = 20;
    let mut all = Vec::new();
    for operator in expression.get_operators_reader().into_iter().map_while(Result::ok) {
        if all.len() == OPERATORS_MAX {
            all.push("…".into());
            break;
        }
        match operator {
            Operator::I32Const { value } => all.push(format!("i32.const {value}")),
            Operator::I64Const { value } => all.push(format!("i64.const {value}")),
            Operator::GlobalGet { global_index } => all.push(format!("global.get {global_index}")),
            Operator::I32Add => all.push("i32.add".into()),
            Operator::I32Sub => all.push("i32.sub".into()),
            Operator::I32Mul => all.push("i32.mul".into()),
            Operator::End => break,
            other => all.push(format!("{other:?}")),
        }
    }
    all.join(" ")
}
