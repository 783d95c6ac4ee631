use std::fs;
use std::os::unix::fs::PermissionsExt;

use sha2::{Digest, Sha256};

use super::format::CHECKSUM_BYTES;
use super::*;
use crate::SealedKind;
use crate::golden::{self, Golden};
use crate::keyfile::Keyfile;
use crate::provider::ProviderKind;
use crate::shamir::{Shamir, Share, ShareError};

fn golden_file() -> Golden {
    Golden::parse(include_str!("../../../../tests/golden/key-service/keyring-2.txt"))
}

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn create(provider: &dyn RootKeyProvider) -> (Keyring, Unsealed) {
    Keyring::create(golden::CLUSTER, &[provider], NOW).unwrap()
}

fn keyfile_of(dir: &Path, key: &[u8]) -> Keyfile {
    let path = dir.join("golden-keyfile");
    fs::write(&path, key).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    Keyfile::open(path).unwrap()
}

fn with_checksum(mut body: Vec<u8>) -> Vec<u8> {
    let checksum = Sha256::digest(&body);
    body.extend_from_slice(&checksum);
    body
}

/// The files of both versions hold the same terms and wraps; version 1 did not know when a term was made.
#[test]
fn the_recorded_files_still_unseal() {
    let dir = tempfile::tempdir().unwrap();
    let second = golden_file();
    let first = Golden::parse(include_str!("../../../../tests/golden/key-service/keyring.txt"));
    let keyfile = keyfile_of(dir.path(), first.bytes("keyfile"));
    for (golden, created) in [(&first, None), (&second, Some(NOW))] {
        let keyring = Keyring::decode(golden.bytes("file")).unwrap();
        assert_eq!(keyring.cluster(), golden::CLUSTER);
        assert_eq!((keyring.term_created(1), keyring.term_created(2)), (None, created));
        let barrier = keyring.unseal(&[&keyfile]).unwrap().barrier;
        for (entry, plaintext) in [("record-of-term-1", b"one"), ("record-of-term-2", b"two")] {
            let opened = barrier.open(SealedKind::LogPayload, b"k", first.bytes(entry)).unwrap();
            assert_eq!(opened.as_slice(), plaintext);
        }
    }
    second.check("file", &Keyring::decode(second.bytes("file")).unwrap().encode());
}

/// A keyring of version 1 is written as one of version 2 and keeps its terms.
#[test]
fn an_old_keyring_takes_new_terms() {
    let dir = tempfile::tempdir().unwrap();
    let first = Golden::parse(include_str!("../../../../tests/golden/key-service/keyring.txt"));
    let keyfile = keyfile_of(dir.path(), first.bytes("keyfile"));
    let mut keyring = Keyring::decode(first.bytes("file")).unwrap();
    let root = keyring.unseal(&[&keyfile]).unwrap().root;
    keyring.add_term(&root, NOW).unwrap();
    let written = Keyring::decode(&keyring.encode()).unwrap();
    assert!(written == keyring);
    let barrier = written.unseal(&[&keyfile]).unwrap().barrier;
    assert_eq!(barrier.open(SealedKind::LogPayload, b"k", first.bytes("record-of-term-1")).unwrap().as_slice(), b"one");
    assert_eq!((written.term_created(2), written.term_created(3)), (None, Some(NOW)));
}

#[test]
fn every_flipped_bit_of_the_file_is_refused() {
    let golden = golden_file();
    let file = golden.bytes("file");
    for bit in 0..file.len() * 8 {
        let mut changed = file.to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(Keyring::decode(&changed).is_err(), "bit {bit}");
    }
    for length in 0..file.len() {
        assert!(Keyring::decode(&file[..length]).is_err(), "{length} bytes");
    }
}

#[test]
fn a_forged_checksum_does_not_make_a_changed_file_good() {
    let dir = tempfile::tempdir().unwrap();
    let golden = golden_file();
    let keyfile = keyfile_of(dir.path(), golden.bytes("keyfile"));
    let body = &golden.bytes("file")[..golden.bytes("file").len() - CHECKSUM_BYTES];
    for bit in 0..body.len() * 8 {
        let mut changed = body.to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        // The number of terms must fit their bytes, so no count can be lowered either.
        let unsealed = Keyring::decode(&with_checksum(changed)).map(|keyring| keyring.unseal(&[&keyfile]).is_ok());
        assert_ne!(unsealed, Ok(true), "bit {bit}");
    }
    let mut longer = body.to_vec();
    longer.push(0);
    let refused = Keyring::decode(&with_checksum(longer)).unwrap_err();
    assert_eq!(refused, KeyringFormatError::Rule("it has bytes after its end"));
}

#[test]
fn a_stored_keyring_is_private_and_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let keyfile = Keyfile::create(dir.path().join("root.key")).unwrap();
    let (keyring, Unsealed { barrier, .. }) = create(&keyfile);
    let sealed = barrier.seal(SealedKind::StateRecord, b"key", b"plaintext");

    let path = dir.path().join("keyring");
    // What an interrupted store leaves is no obstacle.
    fs::write(dir.path().join("keyring.tmp"), b"half").unwrap();
    keyring.store(&path).unwrap();
    keyring.store(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    assert!(!dir.path().join("keyring.tmp").exists());

    let loaded = Keyring::load(&path).unwrap();
    assert!(loaded == keyring);
    let unsealed = loaded.unseal(&[&keyfile]).unwrap().barrier;
    assert_eq!(unsealed.open(SealedKind::StateRecord, b"key", &sealed).unwrap().as_slice(), b"plaintext");
}

#[test]
fn a_missing_and_a_corrupt_keyring_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keyring");
    let missing = Keyring::load(&path).unwrap_err();
    assert!(matches!(missing, KeyringError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound));
    for content in [Vec::new(), vec![0; 100], vec![0; 2 << 20]] {
        fs::write(&path, content).unwrap();
        assert!(matches!(Keyring::load(&path), Err(KeyringError::Corrupt { source: KeyringFormatError::Magic, .. })));
    }
    let mut future = golden_file().bytes("file").to_vec();
    future[8] = 3;
    fs::write(&path, future).unwrap();
    let refused = Keyring::load(&path).unwrap_err();
    assert!(matches!(refused, KeyringError::Corrupt { source: KeyringFormatError::Version(3), .. }));
}

#[test]
fn a_new_term_seals_and_the_old_ones_still_open() {
    let dir = tempfile::tempdir().unwrap();
    let keyfile = Keyfile::create(dir.path().join("root.key")).unwrap();
    let (mut keyring, first) = create(&keyfile);
    let old = first.barrier.seal(SealedKind::LogPayload, b"", b"old");
    let later = Timestamp::from_millis(NOW.as_millis() + 1);
    let second = keyring.add_term(&first.root, later).unwrap();
    assert_eq!((second.active_term(), keyring.newest_term()), (2, 2));
    assert_eq!((keyring.term_created(1), keyring.term_created(2)), (Some(NOW), Some(later)));
    let new = second.seal(SealedKind::LogPayload, b"", b"new");

    let unsealed = Keyring::decode(&keyring.encode()).unwrap().unseal(&[&keyfile]).unwrap().barrier;
    for barrier in [second, unsealed] {
        assert_eq!(barrier.open(SealedKind::LogPayload, b"", &old).unwrap().as_slice(), b"old");
        assert_eq!(barrier.open(SealedKind::LogPayload, b"", &new).unwrap().as_slice(), b"new");
    }
}

#[test]
fn the_time_of_a_term_cannot_be_changed() {
    let dir = tempfile::tempdir().unwrap();
    let keyfile = Keyfile::create(dir.path().join("root.key")).unwrap();
    let (keyring, _) = create(&keyfile);
    for created in [None, Some(Timestamp::from_millis(NOW.as_millis() + 1))] {
        let mut changed = keyring.clone();
        changed.terms[0].created = created;
        assert!(matches!(changed.unseal(&[&keyfile]), Err(UnsealError::Term(1))));
    }
}

#[test]
fn any_one_of_several_providers_unseals() {
    let dir = tempfile::tempdir().unwrap();
    let one = Keyfile::create(dir.path().join("one")).unwrap();
    let two = Keyfile::create(dir.path().join("two")).unwrap();
    let (keyring, Unsealed { barrier, opened_by, .. }) = Keyring::create(golden::CLUSTER, &[&one, &two], NOW).unwrap();
    assert_eq!(opened_by, ProviderName::of(&one));
    let sealed = barrier.seal(SealedKind::LogPayload, b"", b"text");
    assert_eq!(keyring.providers().count(), 2);
    fs::remove_file(one.path()).unwrap();
    let unsealed = keyring.unseal(&[&one, &two]).unwrap();
    assert!(unsealed.barrier.open(SealedKind::LogPayload, b"", &sealed).is_ok());
    assert_eq!(unsealed.opened_by, ProviderName::of(&two));
    assert!(matches!(&unsealed.failures[..], [failure] if failure.name.is_of(&one)));
}

#[test]
fn providers_come_and_go_and_the_last_one_stays() {
    let dir = tempfile::tempdir().unwrap();
    let one = Keyfile::create(dir.path().join("one")).unwrap();
    let two = Keyfile::create(dir.path().join("two")).unwrap();
    let (mut keyring, Unsealed { root, .. }) = create(&one);
    assert!(matches!(keyring.remove_provider(&ProviderName::of(&one)), Err(ChangeError::Last(_))));
    assert!(matches!(keyring.remove_provider(&ProviderName::of(&two)), Err(ChangeError::Absent(_))));
    assert!(matches!(keyring.add_provider(&root, &one), Err(ChangeError::Present(_))));
    assert!(matches!(keyring.add_provider(&RootKey::generate(), &two), Err(ChangeError::Term(1))));
    keyring.add_provider(&root, &two).unwrap();
    keyring.remove_provider(&ProviderName::of(&one)).unwrap();
    assert!(matches!(keyring.unseal(&[&one]), Err(UnsealError::NoProvider { .. })));
    keyring.unseal(&[&one, &two]).unwrap();
}

/// Wraps for show: what comes back is another key.
struct Forgetful;

impl RootKeyProvider for Forgetful {
    fn id(&self) -> &str {
        "forgetful"
    }

    fn kind(&self) -> ProviderKind {
        ProviderKind::Pkcs11
    }

    fn wrap(&self, _: &RootKey, _: &[u8]) -> Result<Vec<u8>, ProviderError> {
        Ok(vec![1])
    }

    fn unwrap(&self, _: &[u8], _: &[u8]) -> Result<RootKey, ProviderError> {
        Ok(RootKey::generate())
    }

    fn health(&self) -> Result<(), ProviderError> {
        Ok(())
    }
}

#[test]
fn a_provider_that_does_not_give_the_key_back_is_not_added() {
    let dir = tempfile::tempdir().unwrap();
    let keyfile = Keyfile::create(dir.path().join("one")).unwrap();
    let (mut keyring, Unsealed { root, .. }) = create(&keyfile);
    let before = keyring.clone();
    assert!(matches!(keyring.add_provider(&root, &Forgetful), Err(ChangeError::Provider(_))));
    assert!(keyring == before);
    assert!(matches!(
        Keyring::create(golden::CLUSTER, &[&keyfile, &Forgetful], NOW),
        Err(ChangeError::Provider(failure)) if failure.name.is_of(&Forgetful)
    ));
    assert!(matches!(Keyring::create(golden::CLUSTER, &[], NOW), Err(ChangeError::NoProviders)));
}

#[test]
fn each_wrap_is_verified_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let [one, two, three] = ["one", "two", "three"].map(|name| Keyfile::create(dir.path().join(name)).unwrap());
    let (mut keyring, _) = Keyring::create(golden::CLUSTER, &[&one, &two, &three], NOW).unwrap();
    // A wrap of another root key, made for this keyring: only the terms tell.
    let strange = Wrap::new(golden::CLUSTER, &three, &RootKey::generate()).unwrap();
    keyring.wraps[2] = strange;
    fs::set_permissions(two.path(), fs::Permissions::from_mode(0o644)).unwrap();
    let outcomes = |providers: &[&dyn RootKeyProvider]| -> Vec<String> {
        let told = |report: ProviderReport| report.outcome.map_or_else(|error| error.to_string(), |()| String::new());
        keyring.verify(providers).into_iter().map(told).collect()
    };
    let found = outcomes(&[&three, &two, &one]);
    assert_eq!(found[0], "");
    assert!(found[1].ends_with("by others than its owner"), "{}", found[1]);
    assert_eq!(found[2], "it gave a key that does not open barrier term 1");
    assert_eq!(outcomes(&[&one]), ["", "it is not at hand", "it is not at hand"]);
}

#[test]
fn a_new_root_key_is_wrapped_by_all_and_the_old_wraps_are_gone() {
    let dir = tempfile::tempdir().unwrap();
    let keyfile = Keyfile::create(dir.path().join("one")).unwrap();
    let (dealt, shares) = Shamir::deal(2, 3).unwrap();
    let (mut keyring, Unsealed { barrier, root, .. }) =
        Keyring::create(golden::CLUSTER, &[&keyfile, &dealt], NOW).unwrap();
    let sealed = barrier.seal(SealedKind::LogPayload, b"", b"text");
    let old = keyring.clone();

    let missing = keyring.rotate_root(&root, &[&keyfile]).unwrap_err();
    assert!(matches!(&missing, ChangeError::NotAtHand(names) if names[..] == [ProviderName::of(&dealt)]), "{missing}");
    let typed = |which: [usize; 2]| {
        let texts = which.map(|place| shares[place].to_text());
        Shamir::from_texts(&texts.each_ref().map(|text| text.as_str()), Some(dealt.set())).unwrap()
    };
    let strange = keyring.rotate_root(&RootKey::generate(), &[&keyfile, &typed([0, 1])]).unwrap_err();
    assert!(matches!(strange, ChangeError::Term(1)), "{strange}");
    assert!(keyring == old);

    let new = keyring.rotate_root(&root, &[&keyfile, &typed([0, 1])]).unwrap();
    assert!(!new.expose_secret().ct_eq(root.expose_secret()));
    assert!(matches!(keyring.open_terms(&root), Err(UnsealError::Term(1))));
    for provider in [&keyfile as &dyn RootKeyProvider, &typed([1, 2])] {
        let unsealed = Keyring::decode(&keyring.encode()).unwrap().unseal(&[provider]).unwrap();
        assert!(unsealed.root.expose_secret().ct_eq(new.expose_secret()));
        assert_eq!(unsealed.barrier.open(SealedKind::LogPayload, b"", &sealed).unwrap().as_slice(), b"text");
    }
    assert_eq!(keyring.term_created(1), Some(NOW));
}

#[test]
fn a_provider_that_fails_while_the_root_key_rotates_leaves_the_keyring_alone() {
    let dir = tempfile::tempdir().unwrap();
    let one = Keyfile::create(dir.path().join("one")).unwrap();
    let two = Keyfile::create(dir.path().join("two")).unwrap();
    let (mut keyring, Unsealed { root, .. }) = Keyring::create(golden::CLUSTER, &[&one, &two], NOW).unwrap();
    let before = keyring.clone();
    fs::remove_file(two.path()).unwrap();
    let failed = keyring.rotate_root(&root, &[&one, &two]).unwrap_err();
    assert!(matches!(&failed, ChangeError::Provider(failure) if failure.name.is_of(&two)), "{failed}");
    assert!(keyring == before);
}

#[test]
fn new_shares_are_valid_once_they_have_been_shown() {
    let dir = tempfile::tempdir().unwrap();
    let keyfile = Keyfile::create(dir.path().join("one")).unwrap();
    let (old, old_shares) = Shamir::deal(2, 2).unwrap();
    let (mut keyring, Unsealed { root, .. }) = Keyring::create(golden::CLUSTER, &[&keyfile, &old], NOW).unwrap();
    let (new, new_shares) = Shamir::deal(3, 5).unwrap();
    let given = |shares: &[Share], which: &[usize]| {
        let texts: Vec<_> = which.iter().map(|place| shares[*place].to_text().to_string()).collect();
        Shamir::from_texts(&texts, None).unwrap()
    };

    let pending = keyring.begin_rekey(&root, &ProviderName::of(&old), &new).unwrap();
    assert_eq!((pending.replaces(), pending.new_provider()), (&ProviderName::of(&old), &ProviderName::of(&new)));
    let shown_old = pending.confirm(&mut keyring, &given(&old_shares, &[0, 1])).unwrap_err();
    assert!(matches!(shown_old, ChangeError::Absent(_)), "{shown_old}");
    keyring.unseal(&[&given(&old_shares, &[0, 1])]).unwrap();

    pending.confirm(&mut keyring, &given(&new_shares, &[4, 0, 2])).unwrap();
    assert!(matches!(keyring.unseal(&[&given(&old_shares, &[0, 1])]), Err(UnsealError::NoProvider { .. })));
    keyring.unseal(&[&given(&new_shares, &[1, 2, 3])]).unwrap();
    assert!(matches!(pending.confirm(&mut keyring, &new), Err(ChangeError::Absent(_))), "it is replaced already");

    // The root key may have been rotated since.
    let (third, _) = Shamir::deal(2, 2).unwrap();
    let pending = keyring.begin_rekey(&root, &ProviderName::of(&new), &third).unwrap();
    keyring.rotate_root(&root, &[&keyfile, &new]).unwrap();
    assert!(matches!(pending.confirm(&mut keyring, &third), Err(ChangeError::Term(1))));
    keyring.unseal(&[&new]).unwrap();
}

#[test]
fn a_wrong_share_is_named_by_the_unseal() {
    let (dealt, shares) = Shamir::deal(2, 3).unwrap();
    let (keyring, _) = create(&dealt);
    let (_, foreign) = Shamir::deal(2, 3).unwrap();
    let texts = [shares[0].to_text(), foreign[1].to_text()];
    let mixed = Shamir::from_texts(&texts.each_ref().map(|text| text.as_str()), Some(dealt.set())).unwrap_err();
    assert!(matches!(mixed, ShareError::Foreign { index: 2, .. }), "{mixed}");
    let right = Share::parse(&shares[0].to_text()).unwrap();
    let given = Shamir::from_shares(vec![right, shares[1].forged()], None).unwrap();
    let refused = keyring.unseal(&[&given]).unwrap_err().to_string();
    assert!(refused.ends_with("share 2 is not the one that was dealt"), "{refused}");
}

#[test]
fn a_failed_unseal_names_provider_and_cause() {
    let dir = tempfile::tempdir().unwrap();
    let keyfile = Keyfile::create(dir.path().join("root.key")).unwrap();
    let other = Keyfile::create(dir.path().join("other.key")).unwrap();
    let (keyring, _) = create(&keyfile);

    let stranger = keyring.unseal(&[&other]).unwrap_err().to_string();
    assert!(stranger.contains(keyfile.id()) && stranger.contains(other.id()), "{stranger}");
    assert!(keyring.unseal(&[]).unwrap_err().to_string().contains("only none is configured"));

    fs::set_permissions(keyfile.path(), fs::Permissions::from_mode(0o644)).unwrap();
    let unsafe_mode = keyring.unseal(&[&other, &keyfile]).unwrap_err().to_string();
    assert!(unsafe_mode.contains(keyfile.id()) && unsafe_mode.contains("by others than its owner"), "{unsafe_mode}");

    fs::remove_file(keyfile.path()).unwrap();
    let missing = keyring.unseal(&[&keyfile]).unwrap_err().to_string();
    assert!(missing.contains("could not open") && missing.contains("No such file"), "{missing}");
}

#[test]
fn terms_cannot_be_exchanged_with_each_other_or_between_clusters() {
    let dir = tempfile::tempdir().unwrap();
    let keyfile = Keyfile::create(dir.path().join("root.key")).unwrap();
    let (mut keyring, Unsealed { root, .. }) = create(&keyfile);
    keyring.add_term(&root, NOW).unwrap();
    let mut exchanged = keyring.clone();
    exchanged.terms[0].sealed.clone_from(&keyring.terms[1].sealed);
    assert!(matches!(exchanged.unseal(&[&keyfile]), Err(UnsealError::Term(1))));

    let moved = Keyring { cluster: ClusterId([9; 16]), ..keyring };
    let refused = moved.unseal(&[&keyfile]).unwrap_err();
    assert!(matches!(&refused, UnsealError::Providers(all) if matches!(all[0].source, ProviderError::Refused)));
}

#[test]
fn a_full_keyring_takes_no_more_terms() {
    let dir = tempfile::tempdir().unwrap();
    let keyfile = Keyfile::create(dir.path().join("root.key")).unwrap();
    let (mut keyring, Unsealed { root, .. }) = create(&keyfile);
    let last = keyring.terms[0].clone();
    let numbers = 2..=u32::try_from(MAX_TERMS).unwrap();
    keyring.terms.extend(numbers.map(|number| SealedTerm { number, ..last.clone() }));
    assert!(matches!(keyring.add_term(&root, NOW), Err(ChangeError::Full(_))));
    let bytes = keyring.encode();
    assert!(bytes.len() as u64 <= MAX_FILE_BYTES);
    assert!(Keyring::decode(&bytes).unwrap() == keyring);
}

#[test]
fn debug_prints_names_only() {
    let keyring = Keyring::decode(golden_file().bytes("file")).unwrap();
    let printed = format!("{keyring:?}");
    let id = &keyring.providers().next().unwrap().id;
    let cluster = golden::CLUSTER;
    assert_eq!(printed, format!("Keyring {{ cluster: {cluster}, providers: [\"{id}\"], terms: [1, 2] }}"));
    assert_eq!(format!("{:?}", RootKey::generate()), "RootKey");
}
