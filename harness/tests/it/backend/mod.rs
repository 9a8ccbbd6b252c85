//! Backends, over their real wires.

mod every_backend;
mod graph_round_trip;
mod s3_conditions;
mod s3_objects;
mod s3_refusals;
mod wire;
mod wire_faults;
