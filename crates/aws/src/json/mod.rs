//! Bodies: from JSON to the inputs of the service, and from its outputs to JSON.
//!
//! What a member may be is for the service to say; here only its type counts. Members that the API does not know are
//! skipped, `null` is absence, and no text of a request comes back in an error.

mod answer;
#[cfg(test)]
mod random;
mod request;
mod shape;
mod text;

pub(crate) use answer::{
    create_secret, delete_secret, describe_secret, get_random_password, get_secret_value, list_secret_version_ids,
    list_secrets, nothing, put_secret_value, secret, update_secret,
};
pub(crate) use request::decode;
pub(crate) use shape::Shape;
