//! The root-key providers of a node: those of its configuration, and those that are made of what an operator gives.

use key_service::{
    Keyfile, Keyring, Passphrase, PassphraseCost, ProviderKind, RootKeyProvider, Shamir, Share, ShareSet,
};
use service::Given;
use zeroize::Zeroizing;

use crate::config::Keys;
use crate::failure::with_causes;
use crate::files;

/// Providers that are at hand, and why others are not.
#[derive(Default)]
pub(crate) struct AtHand {
    pub(crate) providers: Vec<Box<dyn RootKeyProvider>>,
    /// What kept a configured provider from being used, with the causes.
    pub(crate) failures: Vec<String>,
}

impl AtHand {
    /// Those of the configuration, which open by themselves.
    pub(crate) fn unattended(keys: &Keys) -> Self {
        let mut at_hand = Self::default();
        if let Some(path) = &keys.keyfile {
            match keyfile(path) {
                Ok(keyfile) => at_hand.providers.push(Box::new(keyfile)),
                Err(error) => at_hand.failures.push(format!("{error:#}")),
            }
        }
        at_hand
    }

    /// The same, and those that are made of what was given. Passphrases are for the passphrase providers of the keyring
    /// in their order there.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn with(keys: &Keys, keyring: &Keyring, given: &[Given]) -> Result<Self, String> {
        let mut at_hand = Self::unattended(keys);
        at_hand.add(keyring, given)?;
        Ok(at_hand)
    }

    /// Only those that are made of what was given.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn given(keyring: &Keyring, given: &[Given]) -> Result<Self, String> {
        let mut at_hand = Self::default();
        at_hand.add(keyring, given)?;
        Ok(at_hand)
    }

    fn add(&mut self, keyring: &Keyring, given: &[Given]) -> Result<(), String> {
        let mut names = keyring.providers().filter(|name| name.kind == ProviderKind::Passphrase);
        let mut shares = Vec::new();
        for given in given {
            match given {
                Given::Passphrase(passphrase) => {
                    let name = names.next().ok_or("the keyring has no provider for this passphrase")?;
                    let bytes = Zeroizing::new(passphrase.expose_secret().to_vec());
                    let made = Passphrase::new(name.id.clone(), bytes, PassphraseCost::default());
                    self.providers.push(Box::new(made.map_err(|error| with_causes(&error))?));
                }
                Given::Share(text) => {
                    let share = Share::parse(text);
                    shares.push(share.map_err(|error| format!("share {}: it {error}", shares.len() + 1))?);
                }
            }
        }
        while let Some(first) = shares.first() {
            let set = first.set();
            let (of_set, others) = shares.into_iter().partition(|share: &Share| share.set() == set);
            shares = others;
            let made = Shamir::from_shares(of_set, expected_set(keyring, set)).map_err(|error| with_causes(&error))?;
            self.providers.push(Box::new(made));
        }
        Ok(())
    }

    pub(crate) fn refs(&self) -> Vec<&dyn RootKeyProvider> {
        self.providers.iter().map(|provider| &**provider).collect()
    }
}

/// The set that shares must be of: their own if the keyring has it, else the one that it has, so that foreign shares are
/// named as such.
pub(crate) fn expected_set(keyring: &Keyring, found: ShareSet) -> Option<ShareSet> {
    let sets = keyring.providers().filter(|name| name.kind == ProviderKind::Shamir);
    let sets: Vec<ShareSet> = sets.filter_map(|name| ShareSet::of_provider_id(&name.id)).collect();
    if sets.contains(&found) { Some(found) } else { sets.first().copied() }
}

/// The keyfile at that path, if nobody else can use it.
pub(crate) fn keyfile(path: &std::path::Path) -> anyhow::Result<Keyfile> {
    files::must_be_private(path)?;
    Ok(Keyfile::open(path)?)
}
