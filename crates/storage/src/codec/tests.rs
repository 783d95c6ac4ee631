use std::collections::BTreeSet;

use bytes::Bytes;
use proptest::prelude::*;
use prost::Message;
use state::{RecordKey, RecordKind};

use super::*;
use crate::golden;
use crate::schema as pb;

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn every_envelope_is_decoded_as_it_was_encoded(envelope in strategies::envelope()) {
        prop_assert_eq!(decode_envelope(&encode_envelope(&envelope)), Ok(envelope));
    }

    #[test]
    fn every_proposal_is_decoded_as_it_was_encoded(request in strategies::proposal_request()) {
        prop_assert_eq!(decode_proposal(&encode_proposal(&request)), Ok(request));
    }

    #[test]
    fn every_outcome_is_decoded_as_it_was_encoded(outcome in strategies::outcome()) {
        prop_assert_eq!(decode_outcome(&encode_outcome(&outcome)), Ok(outcome));
    }

    #[test]
    fn every_record_is_decoded_as_it_was_encoded((key, record) in strategies::record()) {
        prop_assert_eq!(decode_record(key, &encode_record(&record)), Ok(record));
    }

    #[test]
    fn every_checkpoint_head_is_decoded_as_it_was_encoded(head in strategies::checkpoint_head()) {
        prop_assert_eq!(decode_head(encode_head(&head).into()), Ok(head));
    }

    #[test]
    fn every_pack_is_decoded_as_it_was_encoded(
        record in strategies::record(), numbers in prop::collection::btree_set(any::<(u64, u64)>(), 1..20),
        is_there in prop::collection::vec(any::<bool>(), 1..20),
    ) {
        let mut pack = begin_pack();
        let keys: BTreeSet<_> = numbers.iter().map(|(id, part)| RecordKey { kind: record.0.kind, id: *id, part: *part }).collect();
        let expected: Vec<_> = keys.into_iter().zip(is_there.into_iter().cycle()).collect();
        for (key, is_there) in &expected {
            push_entry(&mut pack, *key, is_there.then(|| encode_record(&record.1)));
        }
        let entries = decode_pack(record.0.kind, pack.into()).unwrap();
        prop_assert_eq!(entries.iter().map(|entry| (entry.key, entry.record.is_some())).collect::<Vec<_>>(), expected);
        for entry in entries {
            let fits = record.1.is_of(entry.key);
            match (entry.record.is_some(), entry.decode()) {
                (false, Ok(None)) => {}
                (true, Ok(decoded)) => prop_assert_eq!(decoded, Some(record.1.clone())),
                (true, Err(error)) => prop_assert!(!fits, "{error}"),
                (false, other) => prop_assert!(false, "{other:?}"),
            }
        }
    }

    #[test]
    fn a_record_is_decoded_under_no_other_key((key, record) in strategies::record(), other in strategies::record_key()) {
        // A version does not know its secret; the seal does.
        let fits = other == key || (other == RecordKey { id: other.id, ..key } && key.kind == RecordKind::Version);
        let decoded = decode_record(other, &encode_record(&record));
        prop_assert_eq!(decoded.is_ok(), fits, "{:?}", decoded);
    }

    #[test]
    fn bytes_from_anywhere_do_not_panic(bytes: Vec<u8>, key in strategies::record_key()) {
        let _ = decode_envelope(&bytes);
        let _ = decode_proposal(&bytes);
        let _ = decode_outcome(&bytes);
        let _ = decode_record(key, &bytes);
        let _ = decode_head(bytes.clone().into());
        let _ = decode_pack(key.kind, bytes.into());
    }

    #[test]
    fn changed_bytes_are_refused_or_mean_exactly_what_they_say(
        (key, record) in strategies::record(), at: prop::sample::Index, byte: u8,
    ) {
        let mut bytes = encode_record(&record);
        *at.get_mut(&mut bytes) = byte;
        if let Ok(decoded) = decode_record(key, &bytes) {
            prop_assert_eq!(encode_record(&decoded).len(), bytes.len());
        }
    }
}

fn counters() -> RecordKey {
    RecordKey { kind: RecordKind::Counters, id: 0, part: 0 }
}

#[test]
fn another_format_is_named() {
    let record = pb::Record { format: 2, kind: None };
    assert_eq!(decode_record(counters(), &record.encode_to_vec()), Err(DecodeError::UnknownFormat(2)));
    assert_eq!(decode_record(counters(), &[]), Err(DecodeError::NoFormat));
    assert_eq!(decode_outcome(&[0x12, 0]), Err(DecodeError::NoFormat));
}

#[test]
fn a_field_of_a_later_version_is_refused_at_every_depth() {
    let mut bytes = encode_envelope(&golden::envelope());
    // Field 100 as a varint.
    let unknown = [0xa0, 0x06, 1];
    bytes.extend_from_slice(&unknown);
    assert_eq!(decode_envelope(&bytes), Err(DecodeError::UnknownFields));

    // Record.counters with a field 100 of its own.
    let nested = [&[0x08, 1, 0x12, 3][..], &unknown].concat();
    assert_eq!(decode_record(counters(), &nested), Err(DecodeError::UnknownFields));
}

#[test]
fn a_message_of_two_kinds_is_refused() {
    let first = pb::Record { format: FORMAT, kind: Some(pb::record::Kind::Counters(pb::Counters::default())) };
    let second = pb::Record { format: 0, kind: Some(pb::record::Kind::Binding(pb::Binding::default())) };
    let both = [first.encode_to_vec(), second.encode_to_vec()].concat();
    assert_eq!(decode_record(counters(), &both), Err(DecodeError::UnknownFields));
}

#[test]
fn parts_that_must_be_there_are_named() {
    let encode = |envelope: pb::Envelope| envelope.encode_to_vec();
    let valid: pb::Envelope = decode_versioned(encode_envelope(&golden::envelope()).into()).unwrap();
    let cases = [
        (pb::Envelope { principal: None, ..valid.clone() }, DecodeError::Missing("Envelope.principal")),
        (pb::Envelope { command: None, ..valid.clone() }, DecodeError::Missing("Envelope.command")),
        (
            pb::Envelope { proposal: Bytes::from_static(b"short"), ..valid },
            DecodeError::Length { field: "Envelope.proposal", expected: 16, actual: 5 },
        ),
    ];
    for (envelope, error) in cases {
        assert_eq!(decode_envelope(&encode(envelope)), Err(error));
    }
}

#[test]
fn a_pack_that_is_empty_or_not_in_order_is_refused() {
    let pack = |ids: &[u64]| {
        let mut pack = begin_pack();
        ids.iter().for_each(|id| push_entry(&mut pack, RecordKey { id: *id, ..counters() }, None));
        decode_pack(RecordKind::Counters, pack.into())
    };
    assert_eq!(pack(&[1, 3]).map(|entries| entries.len()), Ok(2));
    assert_eq!(pack(&[]), Err(DecodeError::Missing("Pack.entries")));
    for wrong in [[3, 1], [3, 3]] {
        assert_eq!(pack(&wrong), Err(DecodeError::Invalid("Pack.entries")));
    }
}

#[test]
fn a_head_that_contradicts_itself_is_refused() {
    let head = golden::checkpoint_head();
    for wrong in [
        CheckpointHead { base: head.checkpoint + 1, ..head.clone() },
        CheckpointHead { checkpoint: 0, base: 0, ..head.clone() },
        CheckpointHead { head: None, ..head.clone() },
        CheckpointHead { packed: head.records - 1, ..head.clone() },
    ] {
        assert!(decode_head(encode_head(&wrong).into()).is_err(), "{wrong:?}");
    }
    assert_eq!(decode_head(encode_head(&head).into()), Ok(head));
}

#[test]
fn kinds_have_the_numbers_that_are_written() {
    for number in 0..=u8::MAX {
        assert_eq!(record_kind(number).map_or(number, |kind| kind as u8), number);
    }
    assert_eq!((1..=16).filter_map(record_kind).count(), 16);
}
