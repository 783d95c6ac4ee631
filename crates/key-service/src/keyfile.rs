//! The keyfile provider: a key in a file that only the server's user can read.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use hkdf::Hkdf;
use rustix::fs::{FileType, Mode, OFlags};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::committed::{self, KeyKind, SealingKey};
use crate::files;
use crate::memory::LockedKey;
use crate::provider::{ProviderError, ProviderKind, RootKey, RootKeyProvider, Unattended};
use crate::random;

/// The 64 digits and a line end; one more byte tells that a file is longer.
const READ_BYTES: usize = 64 + 2 + 1;
/// Bytes of the fingerprint in the provider's id.
const ID_BYTES: usize = 8;

const NAME: SealingKey = SealingKey { kind: KeyKind::Provider, account: None, id: [0; 16], number: 0 };

/// Whose a file may be, and who else may read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// The process's own user's, and nobody else.
    Own,
    /// Also root's, readable for its group.
    Credential,
}

/// A root-key provider whose key is the content of a file: 32 bytes, or 64 hexadecimal digits and a line end.
///
/// The file is read anew at each use and its key kept no longer. It must be a regular file, no link, owned by
/// the effective user of the process, without any permission for group or others.
///
/// The id is a fingerprint of the key, so that a wrong file is named as such and never tried.
pub struct Keyfile {
    path: PathBuf,
    rule: Rule,
    id: String,
}

impl Keyfile {
    /// Opens the keyfile at `path`.
    ///
    /// # Errors
    /// Why the file may not be used.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, ProviderError> {
        Self::open_by(path.into(), Rule::Own)
    }

    /// Opens the keyfile that systemd has put into the unit's credentials directory, which it names in
    /// `CREDENTIALS_DIRECTORY`.
    ///
    /// Such a file is in memory and may belong to root, with a right to read for the unit's user: its mode then shows
    /// that right as the group's.
    ///
    /// # Errors
    /// Why the file may not be used.
    pub fn open_credential(directory: &Path, name: &str) -> Result<Self, ProviderError> {
        let path = directory.join(name);
        if path.parent() != Some(directory) || path.file_name() != Some(name.as_ref()) {
            return Err(ProviderError::Unsafe { path, why: "is not a name in the credentials directory" });
        }
        Self::open_by(path, Rule::Credential)
    }

    fn open_by(path: PathBuf, rule: Rule) -> Result<Self, ProviderError> {
        let id = fingerprint(&read_key(&path, rule)?);
        Ok(Self { path, rule, id })
    }

    /// Writes a new key to `path`, as hexadecimal digits with mode 0600, durable when it returns.
    ///
    /// # Errors
    /// An IO error; a file that is there already is never overwritten.
    ///
    /// # Panics
    /// When the operating system has no randomness.
    pub fn create(path: impl Into<PathBuf>) -> Result<Self, ProviderError> {
        let path = path.into();
        let mut text = Zeroizing::new([b'\n'; 65]);
        hex::encode_to_slice(random::key().expose_secret(), &mut text[..64]).expect("32 bytes are 64 digits");
        files::create_durable(&path, text.as_slice()).map_err(io_error("create", &path))?;
        Self::open(path)
    }

    /// Where the key is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn key(&self) -> Result<LockedKey, ProviderError> {
        let key = read_key(&self.path, self.rule)?;
        if fingerprint(&key) != self.id {
            return Err(ProviderError::Changed { path: self.path.clone() });
        }
        Ok(key)
    }
}

impl RootKeyProvider for Keyfile {
    fn id(&self) -> &str {
        &self.id
    }

    fn kind(&self) -> ProviderKind {
        ProviderKind::Keyfile
    }

    fn wrap(&self, root: &RootKey, aad: &[u8]) -> Result<Vec<u8>, ProviderError> {
        Ok(committed::wrap_key(&random::bytes(), &NAME, &self.key()?, aad, root.expose_secret()))
    }

    fn unwrap(&self, wrapped: &[u8], aad: &[u8]) -> Result<RootKey, ProviderError> {
        let root = committed::unwrap_key(&NAME, &self.key()?, aad, wrapped);
        root.map(RootKey::from_secret).map_err(|_| ProviderError::Refused)
    }

    fn health(&self) -> Result<(), ProviderError> {
        self.key().map(drop)
    }
}

impl Unattended for Keyfile {}

impl fmt::Debug for Keyfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyfile").field("path", &self.path).field("id", &self.id).finish()
    }
}

fn fingerprint(key: &LockedKey) -> String {
    let mut id = [0; ID_BYTES];
    let expander = Hkdf::<Sha256>::from_prk(key.expose_secret()).expect("32 bytes are a pseudorandom key");
    expander.expand(b"conclave/keyfile/id/v1", &mut id).expect("HKDF expands to 8 bytes");
    format!("keyfile-{}", hex::encode(id))
}

fn read_key(path: &Path, rule: Rule) -> Result<LockedKey, ProviderError> {
    let (mut file, _) = open_checked(path, rule)?;
    let mut buffer = Zeroizing::new([0; READ_BYTES]);
    let mut filled = 0;
    loop {
        match file.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(io_error("read", path)(error)),
        }
    }
    parse_key(&buffer[..filled]).ok_or_else(|| ProviderError::Malformed { path: path.to_owned() })
}

fn parse_key(content: &[u8]) -> Option<LockedKey> {
    if let Ok(raw) = content.try_into() {
        return Some(LockedKey::copy_from(raw));
    }
    let digits = content.strip_suffix(b"\n").unwrap_or(content);
    let digits = digits.strip_suffix(b"\r").unwrap_or(digits);
    LockedKey::born(|key| hex::decode_to_slice(digits, key)).ok()
}

/// Opens the file and checks what was opened, not what the path names a moment later.
///
/// Answers the file with the time of its last change.
pub(crate) fn open_checked(path: &Path, rule: Rule) -> Result<(File, SystemTime), ProviderError> {
    let refuse = |why| ProviderError::Unsafe { path: path.to_owned(), why };
    // NONBLOCK: opening a pipe must not wait for its writer.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(file) => file,
        Err(rustix::io::Errno::LOOP) => return Err(refuse("is a symbolic link")),
        Err(errno) => return Err(io_error("open", path)(errno.into())),
    };
    let stat = rustix::fs::fstat(&file).map_err(|errno| io_error("inspect", path)(errno.into()))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(refuse("is not a regular file"));
    }
    let own = stat.st_uid == rustix::process::geteuid().as_raw();
    let (may_own, forbidden) = match rule {
        Rule::Own => (own, 0o077),
        Rule::Credential => (own || stat.st_uid == 0, 0o037),
    };
    if !may_own {
        return Err(refuse("belongs to another user"));
    }
    if stat.st_mode & forbidden != 0 {
        return Err(refuse("can be read or written by others than its owner"));
    }
    let file = File::from(file);
    let changed = file.metadata().and_then(|metadata| metadata.modified()).map_err(io_error("inspect", path))?;
    Ok((file, changed))
}

fn io_error(what: &'static str, path: &Path) -> impl Fn(io::Error) -> ProviderError {
    let path = path.to_owned();
    move |source| ProviderError::Io { what, path: path.clone(), source }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn put(path: &Path, content: &[u8], mode: u32) {
        fs::write(path, content).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn raw_and_hexadecimal_files_hold_the_same_key() {
        let dir = tempfile::tempdir().unwrap();
        let key = [0xa5; 32];
        let digits = hex::encode(key);
        let mut ids = Vec::new();
        for (name, content) in [
            ("raw", key.to_vec()),
            ("hex", digits.clone().into_bytes()),
            ("line", format!("{digits}\n").into_bytes()),
            ("crlf", format!("{}\r\n", digits.to_uppercase()).into_bytes()),
        ] {
            let path = dir.path().join(name);
            put(&path, &content, 0o400);
            ids.push(Keyfile::open(path).unwrap().id().to_owned());
        }
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    }

    #[test]
    fn files_that_hold_no_key_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        for content in [&b""[..], &[1; 31], &[1; 33], &[b'g'; 64], &[b'a'; 63], &[b'a'; 65], &[b'a'; 66], &[b'a'; 500]]
        {
            put(&path, content, 0o600);
            assert!(matches!(Keyfile::open(&path), Err(ProviderError::Malformed { .. })), "{} bytes", content.len());
        }
    }

    #[test]
    fn files_that_others_can_touch_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        for mode in [0o644, 0o640, 0o660, 0o620, 0o601, 0o604, 0o610] {
            put(&path, &[1; 32], mode);
            assert!(matches!(Keyfile::open(&path), Err(ProviderError::Unsafe { .. })), "mode {mode:o}");
        }
        put(&path, &[1; 32], 0o600);
        Keyfile::open(&path).unwrap();
    }

    #[test]
    fn a_credential_may_be_readable_for_its_group_and_no_more() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("root-key");
        put(&path, &[1; 32], 0o600);
        for (mode, may) in [(0o400, true), (0o440, true), (0o460, false), (0o444, false), (0o450, false)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let opened = Keyfile::open_credential(dir.path(), "root-key");
            assert_eq!(opened.is_ok(), may, "mode {mode:o}");
            assert_eq!(opened.and_then(|keyfile| keyfile.health()).is_ok(), may, "mode {mode:o}");
        }
        for name in ["", ".", "..", "../root-key", "/etc/passwd", "a/b", "root-key/"] {
            let refused = Keyfile::open_credential(dir.path(), name);
            assert!(matches!(refused, Err(ProviderError::Unsafe { .. } | ProviderError::Io { .. })), "{name}");
        }
    }

    #[test]
    fn a_file_of_another_user_is_refused() {
        // Only a process with privileges can give a file away; for others the rule is out of a test's reach.
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        put(&path, &[1; 32], 0o600);
        if std::os::unix::fs::chown(&path, Some(65_534), None).is_err() {
            return;
        }
        let refused = Keyfile::open(&path).unwrap_err().to_string();
        assert!(refused.contains("belongs to another user") || refused.contains("could not open"), "{refused}");
    }

    #[test]
    fn links_directories_and_pipes_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("key");
        put(&target, &[1; 32], 0o600);
        let link = dir.path().join("link");
        symlink(&target, &link).unwrap();
        assert!(Keyfile::open(&link).unwrap_err().to_string().ends_with("is a symbolic link"));
        assert!(Keyfile::open(dir.path()).unwrap_err().to_string().ends_with("is not a regular file"));
        let pipe = dir.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        assert!(Keyfile::open(&pipe).unwrap_err().to_string().ends_with("is not a regular file"));
    }

    #[test]
    fn a_new_keyfile_is_private_and_never_overwrites() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        let created = Keyfile::create(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
        let content = fs::read(&path).unwrap();
        assert!(matches!(Keyfile::create(&path), Err(ProviderError::Io { what: "create", .. })));
        assert_eq!(fs::read(&path).unwrap(), content);
        assert_eq!(Keyfile::open(&path).unwrap().id(), created.id());
    }

    #[test]
    fn the_root_key_comes_back_only_from_the_same_key_and_aad() {
        let dir = tempfile::tempdir().unwrap();
        let keyfile = Keyfile::create(dir.path().join("key")).unwrap();
        let other = Keyfile::create(dir.path().join("other")).unwrap();
        let root = RootKey::generate();
        let wrapped = keyfile.wrap(&root, b"here").unwrap();
        assert!(keyfile.unwrap(&wrapped, b"here").unwrap().expose_secret().ct_eq(root.expose_secret()));
        assert!(matches!(keyfile.unwrap(&wrapped, b"there"), Err(ProviderError::Refused)));
        assert!(matches!(other.unwrap(&wrapped, b"here"), Err(ProviderError::Refused)));
    }

    #[test]
    fn a_file_that_was_exchanged_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        let keyfile = Keyfile::create(&path).unwrap();
        keyfile.health().unwrap();
        put(&path, &[7; 32], 0o600);
        assert!(matches!(keyfile.health(), Err(ProviderError::Changed { .. })));
        put(&path, &[7; 32], 0o644);
        assert!(matches!(keyfile.health(), Err(ProviderError::Unsafe { .. })));
    }
}
