//! Finds the witx files of WASI preview 1, which come with the `wasmtime-wasi` package, and writes the invocation that
//! generates the interface from them: it takes a path only as a literal. Nothing else of that package is used.

use std::error::Error;
use std::process::Command;

fn main() -> Result<(), Box<dyn Error>> {
    let cargo = std::env::var("CARGO")?;
    let output = Command::new(cargo).args(["metadata", "--format-version", "1", "--locked"]).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"].as_array().ok_or("no packages in cargo's metadata")?;
    let package = packages.iter().find(|package| package["name"] == "wasmtime-wasi");
    let manifest = package.and_then(|package| package["manifest_path"].as_str()).ok_or("no package wasmtime-wasi")?;
    let witx = std::path::Path::new(manifest).with_file_name("witx").join("p1");
    let file = witx.join("wasi_snapshot_preview1.witx");
    let invocation = format!(
        "wiggle::from_witx!({{
    witx: [{file:?}],
    errors: {{ errno => Failure }},
    tracing: false,
    wasmtime: false,
}});
"
    );
    std::fs::write(std::path::Path::new(&std::env::var("OUT_DIR")?).join("abi.rs"), invocation)?;
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={}", witx.display());
    Ok(())
}
