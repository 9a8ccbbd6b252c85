//! The engine through its public API. One binary, since each links Lance.

mod cost;
mod differential;
mod open;
mod program;
mod values;
