//! What was uploaded, when it is not a linked core module: named, so that people see what they sent.

use crate::parsed::Parsed;
use crate::refusal::Refusal;

const CODE: &str = "ERR_MODULE_FORMAT";
const ELF: &[u8] = b"\x7fELF";

/// First bytes of other formats.
const KNOWN: [(&[u8], &str); 13] = [
    (b"\x1f\x8b", "compressed (gzip); upload it unpacked"),
    (b"\x28\xb5\x2f\xfd", "compressed (zstd); upload it unpacked"),
    (b"\xfd7zXZ\0", "compressed (xz); upload it unpacked"),
    (b"BZh", "compressed (bzip2); upload it unpacked"),
    (b"PK\x03\x04", "a zip archive; upload the .wasm file in it"),
    (b"BC\xc0\xde", "LLVM bitcode; link it to a WebAssembly module first"),
    (b"!<arch>", "a library archive; link it to a WebAssembly module first"),
    (b"MZ", "a Windows program; compile for WebAssembly"),
    (b"\xcf\xfa\xed\xfe", "a macOS program; compile for WebAssembly"),
    (b"\xca\xfe\xba\xbe", "a Java class or a macOS program; compile for WebAssembly"),
    (b"#!", "a script; upload a WebAssembly module, such as its interpreter"),
    (b"faaslet", "an artefact of this program; upload the .wasm file it was made from"),
    (b"\xef\xbb\xbf\0asm", "a WebAssembly module that a text editor has put a mark in front of"),
];

/// Refuses bytes that cannot be a core WebAssembly module.
pub fn check_format(bytes: &[u8]) -> Result<(), Refusal> {
    match refused(bytes) {
        Some(what) => Err(Refusal::new(CODE, what)),
        None => Ok(()),
    }
}

/// Refuses what has the format of a module but is only a part of a program.
pub fn check_linked(parsed: &Parsed<'_>) -> Result<(), Refusal> {
    if parsed.has_custom("linking") {
        let what = "the upload is an object file, as clang -c makes; link it to a module first";
        return Err(Refusal::new(CODE, what));
    }
    if parsed.has_custom("dylink.0") || parsed.has_custom("dylink") {
        let what = "the upload is a shared library; deploy it among the files of a function that opens it with dlopen";
        return Err(Refusal::new(CODE, what));
    }
    Ok(())
}

fn refused(bytes: &[u8]) -> Option<String> {
    if bytes.is_empty() {
        return Some("the upload is empty".into());
    }
    if bytes.starts_with(b"\0asm") {
        return refused_version(bytes);
    }
    if bytes.starts_with(ELF) {
        return Some(format!("the upload is {}", elf(bytes)));
    }
    if let Some((_, what)) = KNOWN.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return Some(format!("the upload is {what}"));
    }
    if is_text(bytes) {
        return Some("the upload is WebAssembly text; assemble it first, e.g. with wat2wasm".into());
    }
    if b"\0asm".starts_with(bytes) {
        return Some("the upload ends inside the WebAssembly header".into());
    }
    Some("the upload is not a WebAssembly module: it does not start with \\0asm".into())
}

/// Four bytes follow the magic: the version, and the layer that tells modules from components.
fn refused_version(bytes: &[u8]) -> Option<String> {
    match bytes.get(4..8) {
        Some([1, 0, 0, 0]) => None,
        Some([_, _, 1, 0]) => Some("the upload is a WebAssembly component; upload its core module".into()),
        Some(&[low, high, 0, 0]) => {
            Some(format!("the upload has the unknown WebAssembly version {}", u16::from_le_bytes([low, high])))
        }
        Some(_) => Some("the upload has an unknown WebAssembly version".into()),
        None => Some("the upload ends inside the WebAssembly header".into()),
    }
}

/// Wasmtime's machine code is an ELF file whose sections carry its name.
fn elf(bytes: &[u8]) -> &'static str {
    const TYPE: usize = 16;
    const RELOCATABLE: u8 = 1;
    let is_wasmtime = bytes.windows(b".wasmtime".len()).any(|window| window == b".wasmtime");
    match bytes.get(TYPE) {
        _ if is_wasmtime => "machine code precompiled by Wasmtime (.cwasm); upload the .wasm file it was made from",
        Some(&RELOCATABLE) => "a native object file (ELF); compile for WebAssembly",
        _ => "native machine code (ELF); compile for WebAssembly",
    }
}

/// An opening parenthesis after blanks and comments.
fn is_text(bytes: &[u8]) -> bool {
    let mut rest = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    loop {
        rest = rest.trim_ascii_start();
        if !rest.starts_with(b";;") {
            return rest.starts_with(b"(");
        }
        match rest.iter().position(|&byte| byte == b'\n') {
            Some(end) => rest = &rest[end..],
            None => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_format_names_every_foreign_format() {
        let cases: [(&[u8], &str); 22] = [
            (b"", "empty"),
            (b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0", "native machine code (ELF)"),
            (b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x01\0", "native object file"),
            (b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x01\0 .wasmtime.engine", "Wasmtime"),
            (b"\x7fELF", "ELF"),
            (b"(module)", "text"),
            (b"  ;; a comment (\n\t(module)", "text"),
            (b"\xef\xbb\xbf(module)", "text"),
            (b"\xef\xbb\xbf\0asm\x01\0\0\0", "text editor"),
            (b"\0asm\x0d\0\x01\0", "component"),
            (b"\x1f\x8b\x08\0", "gzip"),
            (b"\x28\xb5\x2f\xfd", "zstd"),
            (b"PK\x03\x04...", "zip"),
            (b"\0asm\x02\0\0\0", "version 2"),
            (b"\0asm\x01\0\x02\0", "unknown WebAssembly version"),
            (b"\0as", "inside the WebAssembly header"),
            (b"\0asm\x01\0\0", "inside the WebAssembly header"),
            (b"BC\xc0\xde", "bitcode"),
            (b"!<arch>\n", "archive"),
            (b"#!/bin/sh", "script"),
            (b"faaslet\x01", "artefact"),
            (b"hello", "not a WebAssembly module"),
        ];
        for (bytes, word) in cases {
            let refusal = check_format(bytes).unwrap_err();
            assert_eq!(refusal.code, "ERR_MODULE_FORMAT");
            assert!(refusal.problems[0].contains(word), "{word}: {refusal}");
        }
        assert_eq!(check_format(b"\0asm\x01\0\0\0"), Ok(()));
    }
}
