//! What a client has to be told.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;
use std::{fmt, fs, io};

use types::{Consistency, Region};
use zeroize::Zeroizing;

use crate::client::Client;
use crate::connect;
use crate::failover::{Cluster, Endpoint, START_DEADLINE};

const ENDPOINTS: &str = "CONCLAVE_ENDPOINTS";
const CA: &str = "CONCLAVE_CA";
const CERTIFICATE: &str = "CONCLAVE_CERT";
const KEY: &str = "CONCLAVE_KEY";
const REGION: &str = "AWS_REGION";

/// Bytes of a PEM file.
const PEM_FILE_BYTES: u64 = 1 << 20;
/// Endpoints of one client.
const MOST_ENDPOINTS: usize = 64;

/// A client that cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A variable of the environment that is needed.
    #[error("the environment variable {0} is not set")]
    NotSet(&'static str),
    /// A variable of the environment that is not UTF-8.
    #[error("the environment variable {0} is not UTF-8")]
    NotUtf8(&'static str),
    /// A file that a variable of the environment names.
    #[error("the file {path} that {variable} names cannot be read")]
    File {
        /// The variable.
        variable: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// No endpoint was given, or too many.
    #[error("a client needs 1 to {MOST_ENDPOINTS} endpoints, and {0} were given")]
    Endpoints(usize),
    /// An endpoint that is none.
    #[error("the endpoint {0:?} is not host:port")]
    Endpoint(String),
    /// Something that a client needs was not given.
    #[error("a client needs {0}")]
    Missing(&'static str),
    /// A text that is not what it should be.
    #[error("the {0} is not PEM, or holds nothing")]
    Pem(&'static str),
    /// The CA cannot be used.
    #[error("the CA cannot be used")]
    Authority(#[source] rustls::Error),
    /// The identity cannot be used: mostly, the key is of another certificate.
    #[error("the client certificate and its private key cannot be used")]
    Identity(#[source] rustls::Error),
    /// A region that is none.
    #[error("{0:?} is not a region")]
    Region(String),
}

/// Builds a [`Client`]. Endpoints, CA and identity are needed.
#[derive(Default)]
#[must_use]
pub struct Builder {
    endpoints: Vec<String>,
    in_order: bool,
    ca: Option<Vec<u8>>,
    identity: Option<Identity>,
    region: Option<String>,
    consistency: Consistency,
    deadline: Option<Duration>,
}

struct Identity {
    certificate: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
}

impl Builder {
    /// Reads the environment: `CONCLAVE_ENDPOINTS` (`host:port`, separated by commas), `CONCLAVE_CA`, `CONCLAVE_CERT`
    /// and `CONCLAVE_KEY` (names of PEM files), and `AWS_REGION`, which may be left out.
    ///
    /// # Errors
    /// [`ConfigError`] for a variable that is not set or a file that cannot be read.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_variables(std::env::var_os::<&str>)
    }

    fn from_variables(variable: impl Fn(&'static str) -> Option<OsString>) -> Result<Self, ConfigError> {
        let given = |name| variable(name).filter(|value| !value.is_empty());
        let needed = |name| given(name).ok_or(ConfigError::NotSet(name));
        let text = |name, value: OsString| value.into_string().map_err(|_| ConfigError::NotUtf8(name));
        let file = |name| read(name, needed(name)?.into());

        let endpoints = text(ENDPOINTS, needed(ENDPOINTS)?)?;
        let builder = Self::default()
            .endpoints(endpoints.split(',').map(str::trim).filter(|endpoint| !endpoint.is_empty()))
            .ca_pem(&*file(CA)?)
            .identity_pem(&*file(CERTIFICATE)?, &*file(KEY)?);
        Ok(match given(REGION) {
            Some(region) => builder.region(text(REGION, region)?),
            None => builder,
        })
    }

    /// The client ports of the cluster's nodes, each `host:port`. Calls begin at one that is drawn at random.
    pub fn endpoints<E: Into<String>>(mut self, endpoints: impl IntoIterator<Item = E>) -> Self {
        self.endpoints = endpoints.into_iter().map(Into::into).collect();
        self
    }

    /// Begins at the first endpoint and moves on only when it fails: for a node that is nearer than the others.
    pub const fn in_order(mut self) -> Self {
        self.in_order = true;
        self
    }

    /// The authorities that the nodes' certificates come from, PEM.
    pub fn ca_pem(mut self, ca: impl AsRef<[u8]>) -> Self {
        self.ca = Some(ca.as_ref().to_vec());
        self
    }

    /// The client certificate, with its intermediates behind it, and its private key, PEM.
    pub fn identity_pem(mut self, certificate: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Self {
        let key = Zeroizing::new(key.as_ref().to_vec());
        self.identity = Some(Identity { certificate: certificate.as_ref().to_vec(), key });
        self
    }

    /// The region of all calls; the cluster's first one if it is left out.
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }

    /// How fresh the data of reads must be; linearizable if it is left out, which is what a cluster serves that was not
    /// configured for anything else. Writes are not concerned.
    pub const fn consistency(mut self, consistency: Consistency) -> Self {
        self.consistency = consistency;
        self
    }

    /// The time for a call with all its attempts; 15 seconds if it is left out. Administration of the cluster takes as
    /// long as it takes, up to a minute.
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Makes the client. It connects when it is first used, so a cluster that is down does not keep a service from
    /// starting. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// [`ConfigError`] when something is missing or cannot be read.
    pub fn connect(self) -> Result<Client, ConfigError> {
        if !(1..=MOST_ENDPOINTS).contains(&self.endpoints.len()) {
            return Err(ConfigError::Endpoints(self.endpoints.len()));
        }
        let ca = self.ca.ok_or(ConfigError::Missing("a CA"))?;
        let identity = self.identity.ok_or(ConfigError::Missing("a client certificate and its private key"))?;
        let tls = connect::tls(&ca, &identity.certificate, &identity.key)?;
        let endpoint = |address: String| {
            connect::channel(&address, &tls).map(|channel| Endpoint { address: address.into(), channel })
        };
        let endpoints = self.endpoints.into_iter().map(endpoint).collect::<Result<Vec<_>, _>>()?;
        let region = match self.region {
            Some(region) => Some(Region::parse(&region).map_err(|_| ConfigError::Region(region))?),
            None => None,
        };
        let deadline = self.deadline.unwrap_or(START_DEADLINE);
        Ok(Client::new(Cluster::new(endpoints, self.in_order, region.as_ref(), self.consistency, deadline)))
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("endpoints", &self.endpoints).finish_non_exhaustive()
    }
}

fn read(variable: &'static str, path: PathBuf) -> Result<Zeroizing<Vec<u8>>, ConfigError> {
    let content = fs::metadata(&path).and_then(|metadata| {
        if metadata.len() > PEM_FILE_BYTES {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is too large to be PEM"));
        }
        fs::read(&path)
    });
    match content {
        Ok(content) => Ok(Zeroizing::new(content)),
        Err(source) => Err(ConfigError::File { variable, path, source }),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    struct Environment {
        dir: tempfile::TempDir,
        variables: BTreeMap<&'static str, OsString>,
    }

    impl Environment {
        fn good() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let key = KeyPair::generate().unwrap();
            let certificate = CertificateParams::new(["billing".to_owned()]).unwrap().self_signed(&key).unwrap();
            let mut environment = Self { dir, variables: BTreeMap::new() };
            environment.file(CA, &certificate.pem());
            environment.file(CERTIFICATE, &certificate.pem());
            environment.file(KEY, &key.serialize_pem());
            environment.set(ENDPOINTS, "127.0.0.1:7400, 127.0.0.1:7500,");
            environment.set(REGION, "eu-west-1");
            environment
        }

        fn set(&mut self, name: &'static str, value: impl Into<OsString>) {
            self.variables.insert(name, value.into());
        }

        fn file(&mut self, name: &'static str, content: &str) {
            let path = self.dir.path().join(name);
            fs::write(&path, content).unwrap();
            self.set(name, path);
        }

        fn without(name: &'static str) -> Self {
            let mut environment = Self::good();
            environment.variables.remove(name);
            environment
        }

        fn client(&self) -> Result<Client, ConfigError> {
            Builder::from_variables(|name| self.variables.get(name).cloned())?.connect()
        }

        fn error(&self) -> String {
            let error = self.client().unwrap_err();
            match std::error::Error::source(&error) {
                Some(source) => format!("{error}: {source}"),
                None => error.to_string(),
            }
        }
    }

    #[tokio::test]
    async fn a_client_is_made_of_the_environment() {
        assert!(Environment::good().client().is_ok());
        assert!(Environment::without(REGION).client().is_ok());
        let builder = Builder::from_variables(|name| Environment::good().variables.get(name).cloned());
        // The files of another environment are gone.
        assert!(matches!(builder, Err(ConfigError::File { variable: CA, .. })));
    }

    #[tokio::test]
    async fn what_is_missing_is_named() {
        for name in [ENDPOINTS, CA, CERTIFICATE, KEY] {
            assert_eq!(Environment::without(name).error(), format!("the environment variable {name} is not set"));
            let mut empty = Environment::good();
            empty.set(name, "");
            assert_eq!(empty.error(), format!("the environment variable {name} is not set"));
        }
        assert_eq!(
            Client::builder().connect().unwrap_err().to_string(),
            "a client needs 1 to 64 endpoints, and 0 were given"
        );
        assert_eq!(Client::builder().endpoints(["h:1"]).connect().unwrap_err().to_string(), "a client needs a CA");
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_named() {
        let mut environment = Environment::good();
        environment.set(CERTIFICATE, "/nowhere/client.pem");
        let error = environment.error();
        assert!(error.starts_with("the file /nowhere/client.pem that CONCLAVE_CERT names cannot be read: "), "{error}");

        let mut environment = Environment::good();
        environment.file(KEY, "no key");
        assert_eq!(environment.error(), "the private key is not PEM, or holds nothing");

        let mut environment = Environment::good();
        environment.file(CA, "");
        assert_eq!(environment.error(), "the CA is not PEM, or holds nothing");

        let mut environment = Environment::good();
        environment.file(KEY, &KeyPair::generate().unwrap().serialize_pem());
        let error = environment.error();
        assert!(error.starts_with("the client certificate and its private key cannot be used: "), "{error}");
    }

    #[tokio::test]
    async fn what_is_not_an_endpoint_or_a_region_is_named() {
        let mut environment = Environment::good();
        environment.set(ENDPOINTS, "127.0.0.1:7400,https://node-2:7400");
        assert_eq!(environment.error(), r#"the endpoint "https://node-2:7400" is not host:port"#);
        environment.set(ENDPOINTS, ",");
        assert_eq!(environment.error(), "a client needs 1 to 64 endpoints, and 0 were given");

        let mut environment = Environment::good();
        environment.set(REGION, "Europe (Ireland)");
        assert_eq!(environment.error(), r#""Europe (Ireland)" is not a region"#);
    }

    #[test]
    fn debug_prints_no_key() {
        let builder = Client::builder().identity_pem("certificate", "hunter2");
        assert!(!format!("{builder:?}").contains("hunter2"));
    }
}
