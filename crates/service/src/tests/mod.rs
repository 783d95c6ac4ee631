//! The use cases over a cluster in one process: `apply` is the real one, only the log is missing.

mod batch;
mod door;
mod keys;
mod listing;
mod naive;
mod quotas;
mod random;
mod relaxed;
mod replication;
mod resource_policies;
mod rotation;
mod secrets;
mod throttle;
mod touch;
mod updates;
mod versions;
mod world;
