//! The engine through its public API. One binary, since each links Lance.

mod cost;
mod differential;
mod formats;
mod open;
mod program;
mod together;
mod values;
