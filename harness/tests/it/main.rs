//! The tests of the harness, in one program.

mod backend;
mod program;
mod scenarios;
