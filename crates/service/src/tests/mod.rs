//! The use cases over a cluster in one process: `apply` is the real one, only the log is missing.

mod door;
mod listing;
mod random;
mod secrets;
mod throttle;
mod touch;
mod updates;
mod versions;
mod world;
