//! The client against real TLS servers on this machine.
#![allow(clippy::unwrap_used, reason = "tests may unwrap")]

mod failover;
mod operations;
mod replication;
mod resource_policies;
mod rotation;
mod server;
