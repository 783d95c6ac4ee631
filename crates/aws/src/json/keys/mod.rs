//! Keys: the bodies of KMS.

mod answer;
mod request;
