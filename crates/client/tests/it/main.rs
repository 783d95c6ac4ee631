//! The client against real TLS servers on this machine.
#![allow(clippy::unwrap_used, reason = "tests may unwrap")]

mod failover;
mod operations;
mod server;
