//! The AWS front: the JSON 1.1 protocol and Signature Version 4, so that unmodified AWS SDKs and the AWS CLI work.
//!
//! It knows protocol and decides nothing. A request is bounded, read, its signature's form, date and scope are
//! checked, and its body is decoded; who the sender is and what it may do is for [`service`] to say, on the state
//! that it reads. The names, numbers and texts are those of the AWS API; the table of errors is in [`types::error`].
//!
//! Not here: presigned URLs (Secrets Manager needs none), the Query protocol of IAM and STS, and sessions, so that
//! every session token is refused.

// The future of a request holds those of all operations, nested deeper than the compiler looks by itself.
#![recursion_limit = "256"]

mod aws_service;
mod body;
mod front;
mod json;
mod operation;
mod respond;
mod sigv4;

pub use front::router;
