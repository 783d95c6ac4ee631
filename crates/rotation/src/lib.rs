//! When secrets are rotated: `rate()` and `cron()` in the dialect of AWS Secrets Manager, and the windows they give.
//!
//! A [`Schedule`] is read from the members of `RotationRules` and answers two questions: which [`Window`] comes next
//! after a moment, and how many days that is. Both are functions of the rules and the moment alone, so every node
//! answers alike and nothing of it has to be stored.
//!
//! What is deliberately not here: a clock (the moment is an argument), what a secret's rotation has come to (`state`),
//! and who is asked to rotate (`service`).

#![warn(missing_docs, clippy::iter_over_hash_type, clippy::float_arithmetic, clippy::indexing_slicing)]

mod cron;
mod schedule;

pub use schedule::{Invalid, Schedule, Window};
