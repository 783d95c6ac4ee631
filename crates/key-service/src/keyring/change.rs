//! Changes of a keyring: terms, providers, the root key, the shares of it.
//!
//! They change the keyring in memory, wholly or not at all; to store it, and to have every node store it, is the
//! caller's. A wrap is put in only after the provider that made it has given the same root key back.

use std::fmt;

use types::Timestamp;

use super::{Keyring, MAX_TERMS, MAX_WRAPS, SealedTerm, UnsealError, Wrap, list};
use crate::barrier::Barrier;
use crate::provider::{ProviderError, ProviderFailure, ProviderName, RootKey, RootKeyProvider};
use crate::random;

/// Why a keyring was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// A keyring that nobody could open.
    #[error("a keyring needs a provider")]
    NoProviders,
    /// The root key is not the one of this keyring.
    #[error("the root key does not open barrier term {0}")]
    Term(u32),
    /// The keyring holds as many terms or wraps as it may.
    #[error("the keyring is full: {0}")]
    Full(&'static str),
    /// A provider could not wrap the root key, or did not give it back.
    #[error("the root key cannot be wrapped")]
    Provider(#[from] ProviderFailure),
    /// A provider that has a wrap already.
    #[error("the keyring has a wrap of the {0} already")]
    Present(ProviderName),
    /// A provider that has no wrap.
    #[error("the keyring has no wrap of the {0}")]
    Absent(ProviderName),
    /// The only provider.
    #[error("the {0} is the last provider, and without one nothing opens the keyring")]
    Last(ProviderName),
    /// A new root key has to be wrapped by all providers, and some are not at hand.
    #[error("all providers must wrap the new root key, and some are not at hand: {}", list(.0))]
    NotAtHand(Vec<ProviderName>),
}

impl From<UnsealError> for ChangeError {
    fn from(error: UnsealError) -> Self {
        match error {
            UnsealError::Term(number) => Self::Term(number),
            // Opening terms with a root key asks no provider.
            UnsealError::NoProvider { .. } | UnsealError::Providers(_) => Self::NoProviders,
        }
    }
}

/// What a check of one wrap found.
#[derive(Debug)]
pub struct ProviderReport {
    /// The provider.
    pub name: ProviderName,
    /// Whether its wrap opens the keyring.
    pub outcome: Result<(), VerifyError>,
}

/// Why a wrap could not be shown to open the keyring.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// Nobody has given the provider, so nothing is known.
    #[error("it is not at hand")]
    NotAtHand,
    /// The provider did not give the root key.
    #[error(transparent)]
    Provider(ProviderError),
    /// The provider gave a key that does not open the terms.
    #[error("it gave a key that does not open barrier term {0}")]
    Term(u32),
}

impl Keyring {
    /// Adds a new barrier term, which seals from now on; answers the barrier that holds it.
    ///
    /// # Correctness
    /// The keyring must be stored before anything that the new term sealed is written.
    ///
    /// # Errors
    /// [`ChangeError::Term`] and [`ChangeError::Full`].
    ///
    /// # Panics
    /// When the operating system has no randomness.
    pub fn add_term(&mut self, root: &RootKey, now: Timestamp) -> Result<Barrier, ChangeError> {
        if self.terms.len() >= MAX_TERMS {
            return Err(ChangeError::Full("barrier terms"));
        }
        let number = self.newest_term().checked_add(1).ok_or(ChangeError::Full("numbers of barrier terms"))?;
        let barrier = self.open_terms(root)?;
        let term = random::key();
        self.terms.push(SealedTerm::new(&random::bytes(), self.cluster, number, Some(now), root, &term));
        barrier.insert_term(number, &term);
        Ok(barrier)
    }

    /// Lets `new` unseal the keyring too.
    ///
    /// # Errors
    /// [`ChangeError`]; a provider that has a wrap already is refused.
    pub fn add_provider(&mut self, root: &RootKey, new: &dyn RootKeyProvider) -> Result<(), ChangeError> {
        self.open_terms(root)?;
        if self.wrap_of(new).is_some() {
            return Err(ChangeError::Present(ProviderName::of(new)));
        }
        if self.wraps.len() >= MAX_WRAPS {
            return Err(ChangeError::Full("providers"));
        }
        self.wraps.push(Wrap::new(self.cluster, new, root)?);
        Ok(())
    }

    /// Takes the wrap of a provider out.
    ///
    /// # Correctness
    /// Whoever has an old copy of the file and the provider still opens that copy: after a loss of a provider, the root
    /// key and the barrier term have to be rotated too.
    ///
    /// # Errors
    /// [`ChangeError::Absent`] and [`ChangeError::Last`].
    pub fn remove_provider(&mut self, name: &ProviderName) -> Result<(), ChangeError> {
        let place = self.place_of(name)?;
        if self.wraps.len() == 1 {
            return Err(ChangeError::Last(name.clone()));
        }
        self.wraps.remove(place);
        Ok(())
    }

    /// Opens the wraps of the given providers, and says of each wrap whether it opens the keyring.
    pub fn verify(&self, providers: &[&dyn RootKeyProvider]) -> Vec<ProviderReport> {
        let outcome = |wrap: &Wrap| {
            let provider = providers.iter().find(|provider| wrap.name.is_of(**provider));
            let provider = provider.ok_or(VerifyError::NotAtHand)?;
            let root = wrap.open(self.cluster, *provider).map_err(|failure| VerifyError::Provider(failure.source))?;
            match self.open_terms(&root) {
                Err(UnsealError::Term(number)) => Err(VerifyError::Term(number)),
                _ => Ok(()),
            }
        };
        let report = |wrap: &Wrap| ProviderReport { name: wrap.name.clone(), outcome: outcome(wrap) };
        self.wraps.iter().map(report).collect()
    }

    /// Draws a new root key, has every provider wrap it and give it back, seals the terms under it, and drops the old
    /// wraps; answers the new root key. The terms stay the same.
    ///
    /// # Errors
    /// [`ChangeError`], after which the keyring is as before. Every provider that has a wrap must be at hand.
    ///
    /// # Panics
    /// When the operating system has no randomness.
    pub fn rotate_root(&mut self, root: &RootKey, providers: &[&dyn RootKeyProvider]) -> Result<RootKey, ChangeError> {
        let at_hand = |wrap: &Wrap| providers.iter().copied().find(|provider| wrap.name.is_of(*provider));
        let missing = self.wraps.iter().filter(|wrap| at_hand(wrap).is_none());
        let missing: Vec<ProviderName> = missing.map(|wrap| wrap.name.clone()).collect();
        if !missing.is_empty() {
            return Err(ChangeError::NotAtHand(missing));
        }
        let new = RootKey::generate();
        let renew = |(wrap, provider)| Wrap::renewed(wrap, self.cluster, provider, &new);
        let pairs = self.wraps.iter().filter_map(|wrap| Some((wrap, at_hand(wrap)?)));
        let wraps = pairs.map(renew).collect::<Result<Vec<_>, _>>()?;
        let reseal = |term: &SealedTerm| {
            let key = term.open(self.cluster, root).ok_or(ChangeError::Term(term.number))?;
            Ok(SealedTerm::new(&random::bytes(), self.cluster, term.number, term.created, &new, &key))
        };
        let terms = self.terms.iter().map(reseal).collect::<Result<Vec<_>, ChangeError>>()?;

        let rotated = Self { cluster: self.cluster, wraps, terms };
        rotated.open_terms(&new)?;
        *self = rotated;
        Ok(new)
    }

    /// Prepares the exchange of a provider for another one of which an operator has yet to show that it works, such as
    /// a new set of shares. Until [`PendingRekey::confirm`] the old one is the valid one.
    ///
    /// # Errors
    /// [`ChangeError`].
    pub fn begin_rekey(
        &self,
        root: &RootKey,
        replaces: &ProviderName,
        new: &dyn RootKeyProvider,
    ) -> Result<PendingRekey, ChangeError> {
        self.place_of(replaces)?;
        let mut with_both = self.clone();
        if !replaces.is_of(new) {
            with_both.wraps.retain(|wrap| wrap.name != *replaces);
        }
        if with_both.wrap_of(new).is_some() {
            return Err(ChangeError::Present(ProviderName::of(new)));
        }
        self.open_terms(root)?;
        Ok(PendingRekey { replaces: replaces.clone(), wrap: Wrap::new(self.cluster, new, root)? })
    }

    fn place_of(&self, name: &ProviderName) -> Result<usize, ChangeError> {
        let place = self.wraps.iter().position(|wrap| wrap.name == *name);
        place.ok_or_else(|| ChangeError::Absent(name.clone()))
    }
}

/// A new wrap that waits to be confirmed. It holds no key, and may be dropped at any time.
pub struct PendingRekey {
    replaces: ProviderName,
    wrap: Wrap,
}

impl PendingRekey {
    /// The provider that is replaced on confirmation.
    pub const fn replaces(&self) -> &ProviderName {
        &self.replaces
    }

    /// The provider that takes its place.
    pub const fn new_provider(&self) -> &ProviderName {
        &self.wrap.name
    }

    /// Puts the new wrap in the place of the old one, once `shown` (for shares: as they were typed in from paper) has
    /// opened the keyring through it.
    ///
    /// # Errors
    /// [`ChangeError`]: `shown` does not open the new wrap, or the root key has been rotated meanwhile. The keyring is
    /// as before then.
    pub fn confirm(&self, keyring: &mut Keyring, shown: &dyn RootKeyProvider) -> Result<(), ChangeError> {
        let place = keyring.place_of(&self.replaces)?;
        if !self.wrap.name.is_of(shown) {
            return Err(ChangeError::Absent(ProviderName::of(shown)));
        }
        let root = self.wrap.open(keyring.cluster, shown)?;
        keyring.open_terms(&root)?;
        keyring.wraps[place] = self.wrap.clone();
        Ok(())
    }
}

impl fmt::Debug for PendingRekey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingRekey").field("replaces", &self.replaces).field("by", &self.wrap.name).finish()
    }
}
