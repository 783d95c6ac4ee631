//! AWS Signature Version 4, the verifier's half, in the header form.
//!
//! [`SignedRequest::parse`] does all that needs no secret and answers a value that is whole: what remains is one
//! HMAC and a comparison in constant time, when the service has found the key. The rules are those of "Create a
//! signed AWS API request" in the IAM user guide, for services other than S3; the vectors of the AWS test suite and
//! AWS's own signer are the tests.

mod authorization;
#[cfg(test)]
pub(crate) mod aws_signer;
mod canonical;
mod keys;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod random;
mod signed_date;
mod signed_request;
#[cfg(test)]
mod vectors;

pub(crate) use keys::SigningKeys;
pub(crate) use signed_request::{Expected, Received, SignedRequest};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const TERMINATOR: &str = "aws4_request";
