//! `operator init`: everything that a new cluster starts with.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use key_service::{
    Barrier, IdempotencyKey, KeyMaterial, Keyfile, Keyring, Passphrase, PassphraseCost, RootKeyProvider, SealedKind,
    Shamir, Share, Unsealed,
};
use net::ClientIdentity;
use net::pki::CertificateAuthority;
use serde::Serialize;
use state::{Bootstrap, Command};
use storage::codec::{ProposalRequest, encode_proposal};
use types::{AccessKeyId, AccountId, ClusterId, KeyId, Principal, ProposalId, Region, Timestamp};
use zeroize::Zeroizing;

use super::{ClusterFile, OperatorDir, must_be_empty};
use crate::files::{self, Access};

/// Letters and digits that AWS's access key ids are made of.
const KEY_ID_ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// Sixty-four characters, so that a random byte chooses one without bias.
const SECRET_ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The root access key.
pub(crate) struct Credentials {
    pub(crate) access_key_id: AccessKeyId,
    pub(crate) secret_access_key: Zeroizing<String>,
}

impl Credentials {
    /// Draws a key of AWS's form: `AKIA` and 16 characters, and a secret of 40.
    pub(crate) fn draw() -> Self {
        let pick = |alphabet: &[u8], byte: u8| char::from(alphabet[usize::from(byte) % alphabet.len()]);
        let id: String = key_service::random::<16>().iter().map(|byte| pick(KEY_ID_ALPHABET, *byte)).collect();
        let secret = Zeroizing::new(key_service::random::<40>());
        Self {
            access_key_id: AccessKeyId::parse(&format!("AKIA{id}")).expect("20 letters and digits are a key id"),
            secret_access_key: Zeroizing::new(secret.iter().map(|byte| pick(SECRET_ALPHABET, *byte)).collect()),
        }
    }
}

/// What the operator chooses.
pub(crate) struct InitOptions {
    pub(crate) account: AccountId,
    /// Not empty.
    pub(crate) regions: Vec<Region>,
    pub(crate) credentials: Credentials,
    pub(crate) provider: InitProvider,
}

/// What opens the root key of the new cluster. Others can be added to the cluster when it runs.
pub(crate) enum InitProvider {
    /// A file that every node gets.
    Keyfile,
    /// A passphrase.
    Passphrase(Zeroizing<Vec<u8>>),
    /// Shares, so many of which are needed.
    Shamir { shares: u8, threshold: u8 },
}

/// What was made.
pub(crate) struct Made {
    pub(crate) cluster: ClusterId,
    pub(crate) dir: PathBuf,
    pub(crate) credentials: Credentials,
    /// Shares of the root key, if it has some. Nobody can show them again.
    pub(crate) shares: Vec<Zeroizing<String>>,
}

#[derive(Serialize)]
pub(crate) struct MadeOutput<'a> {
    cluster_id: String,
    dir: &'a std::path::Path,
    access_key_id: &'a str,
    secret_access_key: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    shares: Vec<&'a str>,
}

impl Made {
    pub(crate) fn for_output(&self) -> MadeOutput<'_> {
        MadeOutput {
            cluster_id: self.cluster.to_string(),
            dir: &self.dir,
            access_key_id: self.credentials.access_key_id.as_str(),
            secret_access_key: &self.credentials.secret_access_key,
            shares: self.shares.iter().map(|share| share.as_str()).collect(),
        }
    }
}

/// Makes the operator's directory of a new cluster.
///
/// # Errors
/// A directory that is not empty, or one that cannot be written.
pub(crate) fn init(dir: &OperatorDir, options: InitOptions) -> anyhow::Result<Made> {
    must_be_empty(&dir.0)?;
    files::private_dir(&dir.0)?;
    let now = SystemTime::now();
    let cluster = ClusterId(uuid::Uuid::new_v4().into_bytes());

    let node_ca = CertificateAuthority::create("conclave node CA", now)?;
    let client_ca = CertificateAuthority::create("conclave client CA", now)?;
    let root = ClientIdentity::root(cluster, options.account);
    let root_client = client_ca.issue_client(root.uri(), "conclave root", now)?;

    let FirstProvider { provider, shares } = first_provider(dir, options.provider)?;
    let created = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let created = Timestamp::from_millis(u64::try_from(created).unwrap_or(u64::MAX));
    let (keyring, Unsealed { barrier, .. }) = Keyring::create(cluster, &[&*provider], created)?;
    keyring.store(&dir.keyring())?;
    let bootstrap = bootstrap(&barrier, options.account, &options.credentials, root.uri());
    files::create(&dir.bootstrap(), Access::Private, &seal_bootstrap(&barrier, bootstrap))?;

    for (ca, certificate, key) in
        [(&node_ca, dir.node_ca(), dir.node_ca_key()), (&client_ca, dir.client_ca(), dir.client_ca_key())]
    {
        let (certificate_pem, key_pem) = ca.to_pem();
        files::create(&certificate, Access::Public, certificate_pem.as_bytes())?;
        files::create(&key, Access::Private, key_pem.expose_secret().as_bytes())?;
    }
    files::create(&dir.root_certificate(), Access::Public, root_client.certificate.as_bytes())?;
    files::create(&dir.root_key(), Access::Private, root_client.key.expose_secret().as_bytes())?;

    let file = ClusterFile {
        cluster_id: cluster.to_string(),
        account_id: options.account.to_string(),
        regions: options.regions.iter().map(|region| region.as_str().to_owned()).collect(),
    };
    // Last: a directory without it is not complete.
    files::create(&dir.cluster(), Access::Public, &serde_json::to_vec_pretty(&file)?)?;
    Ok(Made { cluster, dir: dir.0.clone(), credentials: options.credentials, shares })
}

/// The first provider, and the shares by which it opens, if it has some.
struct FirstProvider {
    provider: Box<dyn RootKeyProvider>,
    shares: Vec<Zeroizing<String>>,
}

fn first_provider(dir: &OperatorDir, provider: InitProvider) -> anyhow::Result<FirstProvider> {
    let without_shares = |provider| FirstProvider { provider, shares: Vec::new() };
    Ok(match provider {
        InitProvider::Keyfile => without_shares(Box::new(Keyfile::create(dir.keyfile())?)),
        InitProvider::Passphrase(passphrase) => {
            let provider = Passphrase::new(Passphrase::draw_id(), passphrase, PassphraseCost::default())?;
            without_shares(Box::new(provider))
        }
        InitProvider::Shamir { shares, threshold } => {
            let (provider, shares) = Shamir::deal(threshold, shares)?;
            FirstProvider { provider: Box::new(provider), shares: shares.iter().map(Share::to_text).collect() }
        }
    })
}

fn bootstrap(barrier: &Barrier, account: AccountId, credentials: &Credentials, root_uri: &str) -> Bootstrap {
    let id = &credentials.access_key_id;
    let secret = credentials.secret_access_key.as_bytes();
    let default_key = KeyId(uuid::Uuid::new_v4().into_bytes());
    Bootstrap {
        account,
        access_key_id: id.clone(),
        access_key_secret: barrier.seal(SealedKind::AccessKeySecret, id.as_str().as_bytes(), secret).into(),
        root_certificate_uri: root_uri.into(),
        idempotency_key: IdempotencyKey::generate().seal(barrier).into(),
        default_key,
        default_key_material: KeyMaterial::generate(account, default_key, 1).seal(barrier).into(),
    }
}

/// The bootstrap file: the proposal, sealed, so that the first node proposes the same one however often it starts.
fn seal_bootstrap(barrier: &Barrier, bootstrap: Bootstrap) -> Vec<u8> {
    let proposal = encode_proposal(&ProposalRequest {
        proposal: ProposalId(key_service::random()),
        principal: Principal::System,
        decided_at: 0,
        command: Command::Bootstrap(bootstrap),
    });
    barrier.seal(SealedKind::Bootstrap, b"", &proposal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> InitOptions {
        InitOptions {
            account: "123456789012".parse().unwrap(),
            regions: vec![Region::parse("us-east-1").unwrap()],
            credentials: Credentials::draw(),
            provider: InitProvider::Keyfile,
        }
    }

    #[test]
    fn shares_are_shown_once_and_no_keyfile_is_written() {
        let temp = tempfile::tempdir().unwrap();
        let dir = OperatorDir(temp.path().join("operator"));
        let provider = InitProvider::Shamir { shares: 5, threshold: 3 };
        let made = init(&dir, InitOptions { provider, ..options() }).unwrap();
        assert_eq!(made.shares.len(), 5);
        assert!(!dir.keyfile().exists());
        let keyring = Keyring::load(&dir.keyring()).unwrap();
        let open =
            |shares: &[Zeroizing<String>]| Shamir::from_texts(shares, None).map(|it| keyring.unseal(&[&it]).is_ok());
        assert!(open(&made.shares[1..4]).unwrap());
        assert!(open(&made.shares[..2]).is_err());
    }

    #[test]
    fn a_directory_with_files_is_left_alone() {
        let temp = tempfile::tempdir().unwrap();
        let dir = OperatorDir(temp.path().join("operator"));
        let first = init(&dir, options()).unwrap();
        let keyring = std::fs::read(dir.keyring()).unwrap();
        assert!(init(&dir, options()).is_err());
        assert_eq!(std::fs::read(dir.keyring()).unwrap(), keyring);
        assert_eq!(dir.read_cluster().unwrap().1, first.cluster);
    }

    #[test]
    fn drawn_credentials_have_the_form_of_awss() {
        let drawn = Credentials::draw();
        assert_eq!(drawn.access_key_id.as_str().len(), 20);
        assert!(drawn.access_key_id.as_str().starts_with("AKIA"));
        assert_eq!(drawn.secret_access_key.len(), 40);
    }

    #[test]
    fn private_files_are_private() {
        use std::os::unix::fs::PermissionsExt;
        let temp = tempfile::tempdir().unwrap();
        let dir = OperatorDir(temp.path().join("operator"));
        init(&dir, options()).unwrap();
        let mode = |path: PathBuf| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(dir.0.clone()), 0o700);
        for path in
            [dir.node_ca_key(), dir.client_ca_key(), dir.root_key(), dir.keyfile(), dir.keyring(), dir.bootstrap()]
        {
            assert_eq!(mode(path.clone()), 0o600, "{}", path.display());
        }
    }
}
