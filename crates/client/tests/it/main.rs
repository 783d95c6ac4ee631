//! The client against real TLS servers on this machine.

mod failover;
mod operations;
mod server;
