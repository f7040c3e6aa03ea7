//! What the tables hold at the start, and every function that they may come to refer to.

use wasmparser::{Element, ElementItems, ElementKind, TableType};

use crate::constant;
use crate::meta::{ModuleMeta, TableShape, table_export};
use crate::parsed::Parsed;
use crate::refusal::Refusal;

/// Checks the element segments; describes the tables when code writes to them, for else they stay as the module has them.
pub fn describe(parsed: &Parsed<'_>, meta: &mut ModuleMeta) -> Result<(), Refusal> {
    let shapes = parsed.tables.iter().enumerate().map(|(index, table)| shape(index, &table.ty));
    let shapes = shapes.collect::<Result<Vec<_>, _>>()?;
    let contents = contents(parsed, &shapes)?;
    if parsed.code.writes_tables {
        meta.escaping = escaping(parsed)?;
        meta.tables = shapes;
        meta.initial_tables = contents;
    }
    Ok(())
}

fn shape(index: usize, table: &TableType) -> Result<TableShape, Refusal> {
    let minimum = u32::try_from(table.initial).map_err(Refusal::invalid)?;
    Ok(TableShape { export: table_export(index), minimum, maximum: table.maximum })
}

/// The tables after instantiation, without the null entries at their ends. Finds segments that lie outside, which would trap
/// at each start.
fn contents(parsed: &Parsed<'_>, shapes: &[TableShape]) -> Result<Vec<Vec<Option<u32>>>, Refusal> {
    let mut tables = vec![Vec::new(); shapes.len()];
    for (index, segment) in parsed.elements.iter().enumerate() {
        let ElementKind::Active { table_index, offset_expr } = &segment.kind else { continue };
        let outside = || Refusal::invalid(format!("element segment {index} lies outside its table at the start"));
        let number = table_index.unwrap_or(0) as usize;
        let (table, shape) = tables.get_mut(number).zip(shapes.get(number)).ok_or_else(outside)?;
        let offset = constant::offset(offset_expr)? as usize;
        let end =
            offset.checked_add(length(segment)).filter(|end| *end <= shape.minimum as usize).ok_or_else(outside)?;
        if table.len() < end {
            table.resize(end, None);
        }
        let mut entries = table[offset..end].iter_mut();
        each_item(segment, |item| {
            if let Some(entry) = entries.next() {
                *entry = item;
            }
        })?;
    }
    for table in &mut tables {
        table.truncate(table.iter().rposition(Option::is_some).map_or(0, |last| last + 1));
    }
    Ok(tables)
}

/// Every function that an entry of a table may ever be: those in segments, and those that code or a global refers to.
fn escaping(parsed: &Parsed<'_>) -> Result<Vec<u32>, Refusal> {
    let mut escapes = parsed.code.referenced.clone();
    escapes.resize(parsed.functions.len(), false);
    let mut mark = |function: Option<u32>| {
        if let Some(escapes) = function.and_then(|function| escapes.get_mut(function as usize)) {
            *escapes = true;
        }
    };
    for segment in &parsed.elements {
        each_item(segment, &mut mark)?;
    }
    for global in &parsed.globals {
        mark(constant::function(&global.init_expr)?);
    }
    Ok((0u32..).zip(escapes).filter(|(_, escapes)| *escapes).map(|(function, _)| function).collect())
}

fn length(segment: &Element<'_>) -> usize {
    match &segment.items {
        ElementItems::Functions(functions) => functions.count() as usize,
        ElementItems::Expressions(_, expressions) => expressions.count() as usize,
    }
}

fn each_item(segment: &Element<'_>, mut action: impl FnMut(Option<u32>)) -> Result<(), Refusal> {
    match &segment.items {
        ElementItems::Functions(functions) => {
            for function in functions.clone() {
                action(Some(function?));
            }
        }
        ElementItems::Expressions(_, expressions) => {
            for expression in expressions.clone() {
                action(constant::function(&expression?)?);
            }
        }
    }
    Ok(())
}
