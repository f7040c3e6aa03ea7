/** The first function in Rust. */
export const RUST = {
  extension: ".rs",
  builtWith: "It needs Rust with its library for WASI: `rustup target add wasm32-wasip1`.",
  source: `// Answers with a greeting for whoever the input names.
use faaslet::{input, set_output};

fn main() {
    let bytes = input();
    let text = String::from_utf8_lossy(&bytes);
    let name = match text.trim() {
        "" => "world",
        name => name,
    };
    set_output(format!("hello {name}\\n").as_bytes());
}
`,
} as const;
