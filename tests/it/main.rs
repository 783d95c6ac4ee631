//! Promises of whole clusters: real processes, real sockets, real clients. One file per area.
//!
//! They run with `cargo xtask test`, which provides the binary and the Python environment; elsewhere they show as
//! ignored. Each test has a cluster of its own and holds several assertions, because a cluster takes seconds.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod api;
mod aws_clients;
mod bulk;
mod canary;
mod catch_up;
mod contract;
mod crash;
mod disk_full;
mod durability;
mod failover;
mod fronts;
mod identity;
mod keys;
mod limits;
mod linearizability;
mod load;
mod model;
mod operations;
mod partition;
mod races;
mod reads;
mod relaxed_reads;
mod replication;
mod resource_policies;
mod rollback;
mod rotation;
mod seal;
mod signatures;
mod synced;
mod terraform;
mod traces;
mod whole_api;
