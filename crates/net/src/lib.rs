//! TLS, certificates, listeners and connections: everything between a socket and a request.
//!
//! The server, `dev` and the tests share it, so that all of them speak TLS by the same rules. A node has two
//! ports with two certificate authorities that know nothing of each other. The *peer port* takes node
//! certificates only, and both ends check the cluster and the node that a certificate names. The *client port*
//! asks for a client certificate and serves without one.
//!
//! Every configuration names the `aws-lc-rs` provider itself; the provider that a process may have installed as
//! its default is never looked at.
//!
//! What a caller may do is not decided here: a request carries its [`ConnectionInfo`], and `service` and
//! `consensus` judge it. Bodies are bounded by the fronts that read them.

pub mod connect;
pub mod identity;
pub mod pki;
pub mod serve;
pub mod tls;

pub use identity::{ClientIdentity, PeerIdentity};
pub use serve::{ConnectionInfo, ListenerLimits, ListenerStats, ServeHandle, serve};
