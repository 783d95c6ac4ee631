//! The child: it loads the module's library and does what it is asked until its pipe ends.

use std::ffi::OsStr;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;
use zeroize::Zeroizing;

use super::protocol::{self, Answer, Request};
use crate::bytes::put_prefixed;
use crate::keyfile;
use crate::memory::KEY_BYTES;
use crate::random;

const IV_BYTES: usize = 12;
const TAG_BITS: u64 = 128;
/// Bytes of a PIN that are looked at; tokens take fewer.
const MAX_PIN_BYTES: usize = 256;
const KEY_ID_BYTES: usize = 16;

/// Serves one provider over standard input and output; answers when the pipe ends.
///
/// The process is made undumpable first. Whatever the library prints goes to standard error.
pub fn main() -> ExitCode {
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn serve() -> io::Result<()> {
    harden()?;
    let mut answers = File::from(rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdout(), 3)?);
    rustix::stdio::dup2_stdout(rustix::stdio::stderr())?;
    let mut requests = io::stdin().lock();
    let mut token = None;
    loop {
        let frame = match protocol::read_frame(&mut requests) {
            Ok(frame) => frame,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(error),
        };
        let request = Request::decode(&frame).ok_or(io::ErrorKind::InvalidData)?;
        let answer = answer(&mut token, &request).unwrap_or_else(|failure| failure.into_answer());
        protocol::write_frame(&mut answers, &answer.encode())?;
    }
}

fn harden() -> io::Result<()> {
    use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    Ok(())
}

fn answer(token: &mut Option<Token>, request: &Request<'_>) -> Result<Answer, Failure> {
    if let Request::Open { module, token: label, key, pin_file, create } = *request {
        let place = Place { token: text(label)?, key: text(key)?, pin_file: OsStr::from_bytes(pin_file).into() };
        let library = load(OsStr::from_bytes(module).as_ref())?;
        let session = if create { place.create(&library)? } else { place.open(&library)? };
        *token = Some(Token { library, place, session: Some(session) });
        return Ok(Answer::Done(Zeroizing::default()));
    }
    let token = token.as_mut().ok_or_else(|| Failure::said("nothing is open"))?;
    match token.perform(request) {
        // The token was pulled and put back, or has thrown us out.
        Err(failure) if failure.is_of_session() => {
            token.session = None;
            token.perform(request)
        }
        answered => answered,
    }
}

fn text(bytes: &[u8]) -> Result<String, Failure> {
    String::from_utf8(bytes.to_vec()).map_err(|_| Failure::said("a label is not text"))
}

fn load(module: &Path) -> Result<Pkcs11, Failure> {
    let cannot = |error: Error| Failure::Said(format!("module {} cannot be loaded: {error}", module.display()));
    let library = Pkcs11::new(module).map_err(cannot)?;
    match library.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => Ok(library),
        Err(error) => Err(cannot(error)),
    }
}

/// The open token.
struct Token {
    library: Pkcs11,
    place: Place,
    session: Option<(Session, ObjectHandle)>,
}

impl Token {
    fn perform(&mut self, request: &Request<'_>) -> Result<Answer, Failure> {
        let (session, key) = match self.session.take() {
            Some(open) => open,
            None => self.place.open(&self.library)?,
        };
        let (session, key) = self.session.insert((session, key));
        let body = match *request {
            Request::Encrypt { aad, plaintext } => {
                let (iv, ciphertext) = encrypt(session, *key, aad, plaintext)?;
                let mut body = Vec::new();
                put_prefixed(&mut body, &iv);
                body.extend_from_slice(&ciphertext);
                Zeroizing::new(body)
            }
            Request::Decrypt { iv, aad, ciphertext } => decrypt(session, *key, iv, aad, ciphertext)?,
            Request::Check => {
                let probe = random::bytes::<KEY_BYTES>();
                let (iv, ciphertext) = encrypt(session, *key, b"check", &probe)?;
                if decrypt(session, *key, &iv, b"check", &ciphertext)?.as_slice() != probe {
                    return Err(Failure::said("the token does not decrypt what it encrypted"));
                }
                Zeroizing::default()
            }
            Request::Open { .. } => return Err(Failure::said("a token is open already")),
        };
        Ok(Answer::Done(body))
    }
}

fn encrypt(
    session: &Session,
    key: ObjectHandle,
    aad: &[u8],
    plaintext: &[u8; KEY_BYTES],
) -> Result<([u8; IV_BYTES], Vec<u8>), Failure> {
    // A token that draws its IVs itself writes its own over this one.
    let mut iv = random::bytes::<IV_BYTES>();
    let mechanism = Mechanism::AesGcm(GcmParams::new(&mut iv, aad, TAG_BITS.into())?);
    let ciphertext = session.encrypt(&mechanism, key, plaintext)?;
    Ok((iv, ciphertext))
}

fn decrypt(
    session: &Session,
    key: ObjectHandle,
    iv: &[u8],
    aad: &[u8],
    ciphertext: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut iv = iv.to_vec();
    let mechanism = Mechanism::AesGcm(GcmParams::new(&mut iv, aad, TAG_BITS.into())?);
    match session.decrypt(&mechanism, key, ciphertext) {
        Ok(plaintext) => Ok(Zeroizing::new(plaintext)),
        // What tokens say to a tag that does not fit; SoftHSM says the last.
        Err(Error::Pkcs11(
            RvError::EncryptedDataInvalid | RvError::EncryptedDataLenRange | RvError::GeneralError,
            _,
        )) => Err(Failure::Refused),
        Err(error) => Err(error.into()),
    }
}

/// Where the key is.
struct Place {
    token: String,
    key: String,
    pin_file: PathBuf,
}

impl Place {
    /// Logs in and finds the key.
    fn open(&self, library: &Pkcs11) -> Result<(Session, ObjectHandle), Failure> {
        let session = library.open_ro_session(self.slot(library)?)?;
        self.log_in(&session)?;
        let key = self.find(&session)?;
        let key = key.ok_or_else(|| Failure::Said(format!("token {} has no AES key {}", self.token, self.key)))?;
        for attribute in session.get_attributes(key, &[AttributeType::Sensitive, AttributeType::Extractable])? {
            if matches!(attribute, Attribute::Sensitive(false) | Attribute::Extractable(true)) {
                return Err(Failure::Said(format!("key {} can be read out of the token", self.key)));
            }
        }
        Ok((session, key))
    }

    /// Logs in and makes the key.
    fn create(&self, library: &Pkcs11) -> Result<(Session, ObjectHandle), Failure> {
        let session = library.open_rw_session(self.slot(library)?)?;
        self.log_in(&session)?;
        if self.find(&session)?.is_some() {
            return Err(Failure::Said(format!("token {} has a key {} already", self.token, self.key)));
        }
        let template = [
            Attribute::Token(true),
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Encrypt(true),
            Attribute::Decrypt(true),
            Attribute::ValueLen((KEY_BYTES as u64).into()),
            Attribute::Label(self.key.clone().into_bytes()),
            Attribute::Id(random::bytes::<KEY_ID_BYTES>().to_vec()),
        ];
        let key = session.generate_key(&Mechanism::AesKeyGen, &template)?;
        Ok((session, key))
    }

    fn slot(&self, library: &Pkcs11) -> Result<Slot, Failure> {
        let mut found = None;
        for slot in library.get_slots_with_token()? {
            if library.get_token_info(slot)?.label().trim_end() != self.token {
                continue;
            }
            if found.replace(slot).is_some() {
                return Err(Failure::Said(format!("there are two tokens {}", self.token)));
            }
        }
        found.ok_or_else(|| Failure::Said(format!("token {} is not there", self.token)))
    }

    fn log_in(&self, session: &Session) -> Result<(), Failure> {
        let pin = self.pin()?;
        match session.login(UserType::User, Some(&pin)) {
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(()),
            Err(Error::Pkcs11(
                RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLenRange | RvError::PinLocked,
                _,
            )) => Err(Failure::PinRefused),
            Err(error) => Err(error.into()),
        }
    }

    fn pin(&self) -> Result<AuthPin, Failure> {
        let cannot = |why: &dyn fmt::Display| Failure::Said(format!("the PIN cannot be read: {why}"));
        let (file, _) = keyfile::open_checked(&self.pin_file, keyfile::Rule::Own).map_err(|error| cannot(&error))?;
        let mut text = Zeroizing::new(String::with_capacity(MAX_PIN_BYTES + 1));
        let read = file.take(MAX_PIN_BYTES as u64 + 1).read_to_string(&mut text);
        if read.map_err(|error| cannot(&error))? > MAX_PIN_BYTES {
            return Err(Failure::said("the PIN is too long"));
        }
        Ok(AuthPin::new(text.trim_end_matches(['\r', '\n']).into()))
    }

    fn find(&self, session: &Session) -> Result<Option<ObjectHandle>, Failure> {
        let template = [
            Attribute::Class(ObjectClass::SECRET_KEY),
            Attribute::KeyType(KeyType::AES),
            Attribute::Label(self.key.clone().into_bytes()),
        ];
        match session.find_objects(&template)?[..] {
            [] => Ok(None),
            [key] => Ok(Some(key)),
            _ => Err(Failure::Said(format!("token {} has two keys {}", self.token, self.key))),
        }
    }
}

/// Why a request was not done.
enum Failure {
    Refused,
    PinRefused,
    Said(String),
    Token(Error),
}

impl Failure {
    fn said(why: &str) -> Self {
        Self::Said(why.to_owned())
    }

    /// Whether a new session may do better.
    fn is_of_session(&self) -> bool {
        let Self::Token(Error::Pkcs11(value, _)) = self else { return false };
        matches!(
            value,
            RvError::SessionHandleInvalid
                | RvError::SessionClosed
                | RvError::UserNotLoggedIn
                | RvError::KeyHandleInvalid
                | RvError::ObjectHandleInvalid
                | RvError::TokenNotPresent
                | RvError::DeviceRemoved
        )
    }

    fn into_answer(self) -> Answer {
        match self {
            Self::Refused => Answer::Refused,
            Self::PinRefused => Answer::PinRefused,
            Self::Said(why) => Answer::Failed(why),
            Self::Token(error) => Answer::Failed(error.to_string()),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Token(error)
    }
}
