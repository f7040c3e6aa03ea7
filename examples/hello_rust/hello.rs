// Answers with a greeting for whoever is named on standard input.
use std::io::{Read, Write};

fn main() -> std::io::Result<()> {
    let mut input = String::new();
    std::io::stdin().read_to_string(&mut input)?;
    let name = match input.trim() {
        "" => "world",
        name => name,
    };
    writeln!(std::io::stdout(), "hello {name}")
}
