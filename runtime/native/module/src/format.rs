//! What the first bytes say. Whatever is not a core module is named, so that people see what they uploaded.

use crate::refusal::Refusal;

/// Refuses bytes that cannot be a core WebAssembly module.
pub fn check_format(bytes: &[u8]) -> Result<(), Refusal> {
    match refused(bytes) {
        Some(what) => Err(Refusal::new("ERR_MODULE_FORMAT", what)),
        None => Ok(()),
    }
}

fn refused(bytes: &[u8]) -> Option<String> {
    const VERSION: usize = 4;
    const LAYER: usize = 6;
    if bytes.is_empty() {
        return Some("the upload is empty".into());
    }
    if bytes.starts_with(b"\0asm") {
        return match (bytes.get(VERSION..LAYER), bytes.get(LAYER..8)) {
            (Some([1, 0]), Some([0, 0])) => None,
            (Some(_), Some([1, 0])) => Some("the upload is a WebAssembly component; upload its core module".into()),
            (Some(version), Some(_)) => Some(format!(
                "the upload has the unknown WebAssembly version {}",
                u16::from_le_bytes([version[0], version[1]])
            )),
            _ => Some("the upload ends inside the WebAssembly header".into()),
        };
    }
    let known: [(&[u8], &str); 10] = [
        (
            b"\x7fELF",
            "native machine code (ELF), perhaps precompiled by Wasmtime; upload the .wasm file it was made from",
        ),
        (b"\x1f\x8b", "compressed (gzip); upload it unpacked"),
        (b"PK\x03\x04", "a zip archive; upload the .wasm file in it"),
        (b"\x28\xb5\x2f\xfd", "compressed (zstd); upload it unpacked"),
        (b"BC\xc0\xde", "LLVM bitcode; link it to a WebAssembly module first"),
        (b"!<arch>", "a library archive; link it to a WebAssembly module first"),
        (b"MZ", "a Windows program"),
        (b"\xca\xfe\xba\xbe", "a Java class or a macOS program"),
        (b"#!", "a script"),
        (b"faaslet", "an artefact of this program; upload the .wasm file it was made from"),
    ];
    if let Some((_, what)) = known.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return Some(format!("the upload is {what}"));
    }
    if is_text(bytes) {
        return Some("the upload is WebAssembly text; assemble it first, e.g. with wat2wasm".into());
    }
    Some("the upload is not a WebAssembly module: it does not start with \\0asm".into())
}

/// An opening parenthesis after blanks and comments.
fn is_text(bytes: &[u8]) -> bool {
    let mut rest = bytes;
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
    fn every_foreign_format_is_named() {
        let cases: [(&[u8], &str); 12] = [
            (b"", "empty"),
            (b"\x7fELF\x02\x01\x01", "ELF"),
            (b"(module)", "text"),
            (b"  ;; a comment (\n\t(module)", "text"),
            (b"\0asm\x0d\0\x01\0", "component"),
            (b"\x1f\x8b\x08\0", "gzip"),
            (b"PK\x03\x04...", "zip"),
            (b"\0asm\x02\0\0\0", "version 2"),
            (b"\0asm\x01", "inside the WebAssembly header"),
            (b"BC\xc0\xde", "bitcode"),
            (b"#!/bin/sh", "script"),
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
