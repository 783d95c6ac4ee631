//! What `state` promises, through its public face only.
#![allow(clippy::unwrap_used, reason = "tests may unwrap")]

mod access;
mod bootstrap;
mod create;
mod delete;
mod fixture;
mod memory;
mod purge;
mod put;
mod random;
mod records;
mod replication;
mod resource_policy;
mod rotation;
mod stages;
mod tags;
mod tokens;
mod touch;
mod update;
