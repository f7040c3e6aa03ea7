//! Who made the file, as it says itself.

use wasmparser::ProducersSectionReader;

/// Longest producer that is told, and how many.
const CHARACTERS_MAX: usize = 100;
const PRODUCERS_MAX: usize = 20;

/// A custom section proves nothing and may be malformed: what cannot be read is left out.
pub fn producers(fields: ProducersSectionReader<'_>) -> Vec<String> {
    let values =
        fields.into_iter().map_while(Result::ok).flat_map(|field| field.values.into_iter().map_while(Result::ok));
    values.take(PRODUCERS_MAX).map(|value| clean(value.name, value.version)).collect()
}

fn clean(name: &str, version: &str) -> String {
    let both = [name, version];
    let text = both.iter().filter(|part| !part.is_empty()).map(|part| part.chars()).map(clean_part);
    text.collect::<Vec<_>>().join(" ").chars().take(CHARACTERS_MAX).collect()
}

/// Without control characters, and without those that turn the direction of what follows.
fn clean_part(part: impl Iterator<Item = char>) -> String {
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    part.filter(|c| !c.is_control() && !turns(*c)).take(CHARACTERS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_encoder::{ProducersField, ProducersSection, Section};
    use wasmparser::BinaryReader;

    fn told(values: &[(&str, &str)]) -> Vec<String> {
        let mut field = ProducersField::new();
        for (name, version) in values {
            field.value(name, version);
        }
        let mut bytes = Vec::new();
        Section::append_to(ProducersSection::new().field("processed-by", &field), &mut bytes);
        // Past the section's id, its one-byte length and its name.
        let at = bytes.windows(9).position(|window| window == b"producers").unwrap() + 9;
        producers(ProducersSectionReader::new(BinaryReader::new(&bytes[at..], 0)).unwrap())
    }

    #[test]
    fn producers_are_told_with_their_version() {
        assert_eq!(told(&[("clang", "22.1.0"), ("wasm-opt", "")]), ["clang 22.1.0", "wasm-opt"]);
    }

    #[test]
    fn producers_are_clean_and_bounded() {
        assert_eq!(told(&[("a\u{1b}[31m\n\u{202e}b", "1\0")]), ["a[31mb 1"]);
        let long = "x".repeat(1000);
        assert_eq!(told(&[(&long, &long)])[0].len(), CHARACTERS_MAX);
        let names: Vec<String> = (0..100).map(|number| number.to_string()).collect();
        let many: Vec<_> = names.iter().map(|name| (name.as_str(), "1")).collect();
        assert_eq!(told(&many).len(), PRODUCERS_MAX);
    }
}
