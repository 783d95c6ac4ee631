//! The `env` file: what a shell sources so that every AWS SDK and the `conclave` command find the cluster.

use std::path::Path;

use anyhow::Context;
use types::AccessKeyId;
use zeroize::Zeroizing;

use super::layout::Layout;
use super::options::Remembered;
use crate::files::{self, Access};
use crate::operator::Credentials;

/// Where distributions keep the system's roots in one file.
const SYSTEM_ROOTS: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

const ACCESS_KEY_ID: &str = "AWS_ACCESS_KEY_ID";
const SECRET_ACCESS_KEY: &str = "AWS_SECRET_ACCESS_KEY";

/// Writes `env` and the roots file.
pub(crate) fn write(layout: &Layout, remembered: &Remembered, credentials: &Credentials) -> anyhow::Result<()> {
    let operator = layout.operator();
    let client_ca = files::read_text(&operator.client_ca())?;
    files::replace(&layout.roots_file(), Access::Public, roots(&client_ca).as_bytes())?;

    let region = remembered.regions.first().map_or("us-east-1", String::as_str);
    let endpoint = remembered.ports.first().map_or_else(String::new, |p| format!("https://{}", p.client_addr()));
    let endpoints: Vec<String> = remembered.ports.iter().map(|p| p.client_addr().to_string()).collect();
    let (roots, ca) = (layout.roots_file(), operator.client_ca());
    let (certificate, key) = (operator.root_certificate(), operator.root_key());

    let mut text = key_lines(credentials);
    let mut export = |name: &str, value: &str| push_line(&mut text, name, value);
    export("AWS_REGION", region);
    export("AWS_DEFAULT_REGION", region);
    export("AWS_ENDPOINT_URL", &endpoint);
    export("AWS_CA_BUNDLE", &path_text(&ca));
    export("NODE_EXTRA_CA_CERTS", &path_text(&ca));
    export("SSL_CERT_FILE", &path_text(&roots));
    export("AWS_EC2_METADATA_DISABLED", "true");
    export("CONCLAVE_ENDPOINTS", &endpoints.join(","));
    export("CONCLAVE_CA", &path_text(&ca));
    export("CONCLAVE_CERT", &path_text(&certificate));
    export("CONCLAVE_KEY", &path_text(&key));
    files::replace(&layout.env_file(), Access::Private, text.as_bytes())
}

/// Remembers the root access key.
pub(crate) fn remember(layout: &Layout, credentials: &Credentials) -> anyhow::Result<()> {
    files::replace(&layout.credentials_file(), Access::Private, key_lines(credentials).as_bytes())
}

/// The root access key of an earlier run; a cluster made by an older version has it in its `env` file only.
///
/// # Errors
/// When neither file has it.
pub(crate) fn remembered(layout: &Layout) -> anyhow::Result<Credentials> {
    let files = [layout.credentials_file(), layout.env_file()];
    let found = files.iter().find_map(|path| read_key(&Zeroizing::new(std::fs::read_to_string(path).ok()?)));
    found.with_context(|| format!("{} does not have the root access key any more", files[0].display()))
}

fn read_key(text: &str) -> Option<Credentials> {
    let value = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix("export ")?.strip_prefix(name)?.strip_prefix('='))?;
        // Neither may hold a quote.
        Some(line.trim_matches('\''))
    };
    Some(Credentials {
        access_key_id: AccessKeyId::parse(value(ACCESS_KEY_ID)?)?,
        secret_access_key: Zeroizing::new(value(SECRET_ACCESS_KEY)?.to_owned()),
    })
}

fn key_lines(credentials: &Credentials) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::new());
    push_line(&mut text, ACCESS_KEY_ID, credentials.access_key_id.as_str());
    push_line(&mut text, SECRET_ACCESS_KEY, &credentials.secret_access_key);
    text
}

fn push_line(text: &mut String, name: &str, value: &str) {
    for part in ["export ", name, "=", &quoted(value), "\n"] {
        text.push_str(part);
    }
}

fn roots(client_ca: &str) -> String {
    let system = SYSTEM_ROOTS.iter().find_map(|path| std::fs::read_to_string(path).ok());
    format!("{}{client_ca}", system.unwrap_or_default())
}

fn path_text(path: &Path) -> String {
    path.display().to_string()
}

/// A value as a POSIX shell reads it back; plain where it can be.
fn quoted(value: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_./:,+=@".contains(&b);
    if !value.is_empty() && value.bytes().all(plain) {
        value.to_owned()
    } else {
        format!("'{}'", value.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_survive_a_shell() {
        assert_eq!(quoted("https://127.0.0.1:7400"), "https://127.0.0.1:7400");
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("it's"), "'it'\\''s'");
    }

    #[test]
    fn the_root_access_key_is_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::open(dir.path()).unwrap();
        assert!(remembered(&layout).is_err());
        for secret in ["plain", "a b$c\"d", "x/+="] {
            let credentials = Credentials {
                access_key_id: AccessKeyId::parse("test1").unwrap(),
                secret_access_key: Zeroizing::new(secret.to_owned()),
            };
            remember(&layout, &credentials).unwrap();
            let read = remembered(&layout).unwrap();
            assert_eq!(read.access_key_id.as_str(), "test1");
            assert_eq!(*read.secret_access_key, secret);
        }
    }
}
