//! Fault injection and chaos scenarios for OmniGraph.
//!
//! A *scenario* says what breaks, what it forgives and what must hold. A *cell* is one scenario on one backend. The
//! supervisor plans cells, spawns a worker process for every process of a cell, drives the scenario's steps, lifts every
//! fault, lets the graph converge, collects evidence and judges every standing invariant over it.
//!
//! The modules in reading order, from the ground up; imports point upwards in this list only:
//!
//! - [`event`]: the stream of what happens in a run, and [`seed`]: where its randomness comes from.
//! - [`json`]: how lines between processes and files of bundles are read, exactly.
//! - [`simulation`]: the part of a process that a seed determines.
//! - [`scenario`]: from YAML to a validated model; [`diagnostic`]: what is wrong with it, and where.
//! - [`swarm`]: scenarios that a seed draws.
//! - [`backend`], [`fault`], [`workload`], [`oracle`]: what a cell runs on, what breaks, what is done, what must hold. They do
//!   not import one another.
//! - [`runner`]: the supervisor and the worker.
//! - [`report`], [`repro`], [`coverage`]: consumers of events.
//! - [`cli`]: from what was typed to what is done.

pub mod diagnostic;
pub mod event;
pub mod json;
pub mod seed;
pub mod simulation;

pub mod scenario;

pub mod swarm;

pub mod backend;
pub mod fault;
pub mod oracle;
pub mod workload;

pub mod runner;

pub mod coverage;
pub mod report;
pub mod repro;

pub mod cli;
