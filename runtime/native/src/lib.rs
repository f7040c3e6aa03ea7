//! `faaslet`'s add-on: what executes. Bytes, memories, threads and deadlines; names, tenants and quotas are TypeScript's.
//!
//! `edge` is the only part that JavaScript sees. Everything below it is plain Rust that knows neither Node-API nor names.

#![cfg_attr(test, allow(dead_code, reason = "the edge is registered with Node-API, which tests do not load"))]

mod artefact;
mod edge;
mod ending;
mod engine;
mod faaslet;
mod fault;
mod function;
mod group;
mod host;
mod idle;
mod linking;
mod memory;
mod panics;
mod proto;
mod regions;
mod shared_files;
mod slow;
mod state;
mod tree;
mod values;
