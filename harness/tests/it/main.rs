//! The tests of the harness, in one program.

mod backend;
mod determinism;
mod program;
mod scenarios;
