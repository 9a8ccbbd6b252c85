//! The tests of the harness, in one program.

mod backend;
mod commands;
mod determinism;
mod hunts;
mod program;
mod scenarios;
mod secrets;
mod shrink;
mod sweeps;
mod untrusted;
