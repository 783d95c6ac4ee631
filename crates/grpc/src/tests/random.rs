//! Whatever bytes come, every method answers in gRPC, with details, and nothing panics.

use proptest::prelude::*;

use super::*;

const METHODS: [&str; 32] = [
    "secrets.v1.Secrets/CreateSecret",
    "secrets.v1.Secrets/GetSecretValue",
    "secrets.v1.Secrets/PutSecretValue",
    "secrets.v1.Secrets/DescribeSecret",
    "secrets.v1.Secrets/ListSecrets",
    "secrets.v1.Secrets/DeleteSecret",
    "secrets.v1.Secrets/UpdateSecret",
    "secrets.v1.Secrets/UpdateSecretVersionStage",
    "secrets.v1.Secrets/ListSecretVersionIds",
    "secrets.v1.Secrets/RestoreSecret",
    "secrets.v1.Secrets/TagResource",
    "secrets.v1.Secrets/UntagResource",
    "secrets.v1.Secrets/GetRandomPassword",
    "secrets.v1.Secrets/PutResourcePolicy",
    "secrets.v1.Secrets/GetResourcePolicy",
    "secrets.v1.Secrets/DeleteResourcePolicy",
    "secrets.v1.Secrets/ValidateResourcePolicy",
    "secrets.v1.Secrets/ListResourcePolicies",
    "secrets.v1.Secrets/BatchGetSecretValue",
    "secrets.v1.Secrets/RotateSecret",
    "secrets.v1.Secrets/CancelRotateSecret",
    "secrets.v1.Secrets/ReplicateSecretToRegions",
    "secrets.v1.Secrets/RemoveRegionsFromReplication",
    "secrets.v1.Secrets/StopReplicationToReplica",
    "secrets.v1.Secrets/AssociateCrossAccountReplica",
    "secrets.v1.Secrets/DisassociateCrossAccountReplica",
    "cluster.v1.Cluster/Status",
    "cluster.v1.Cluster/Checkpoint",
    "cluster.v1.Cluster/Digest",
    "cluster.v1.Cluster/AddNode",
    "cluster.v1.Cluster/RemoveNode",
    "cluster.v1.Cluster/TransferLeader",
];

/// A field as it may stand in a message, mostly with a length that fits.
fn field() -> impl Strategy<Value = Vec<u8>> {
    let payload = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..24),
        "[ -~]{0,12}".prop_map(String::into_bytes),
        Just(vec![0x0a, 0x01, b'k', 0x12, 0x01, b'v']),
    ];
    (1..12_u8, 0..8_u8, payload, prop::option::weighted(0.1, any::<u8>())).prop_map(
        |(number, kind, payload, length)| {
            let length = length.unwrap_or(u8::try_from(payload.len()).unwrap_or(0));
            let mut field = vec![number << 3 | kind];
            match kind {
                2 => field.extend([&[length], &payload[..]].concat()),
                _ => field.extend(payload),
            }
            field
        },
    )
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    let message = prop_oneof![
        3 => prop::collection::vec(field(), 0..6).prop_map(|fields| fields.concat()),
        1 => prop::collection::vec(any::<u8>(), 0..64),
    ];
    let framed = (message, prop::option::weighted(0.1, any::<[u8; 5]>())).prop_map(|(message, head)| {
        let length = u32::try_from(message.len()).unwrap_or(0).to_be_bytes();
        let head = head.unwrap_or([0, length[0], length[1], length[2], length[3]]);
        [&head[..], &message].concat()
    });
    prop_oneof![8 => framed, 1 => prop::collection::vec(any::<u8>(), 0..16)]
}

proptest! {
    #[test]
    fn no_message_panics(method in prop::sample::select(&METHODS[..]), bytes in body(), cut in any::<prop::sample::Index>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let path = format!("/conclave.{method}");
            for bytes in [bytes[..cut.index(bytes.len() + 1)].to_vec(), bytes] {
                let request = HttpRequest::post(&path).header("content-type", "application/grpc");
                let response = app(&Fake::new()).oneshot(request.body(Body::from(bytes)).unwrap()).await.unwrap();
                if let Some(status) = Status::from_header_map(response.headers())
                    && status.code() != Code::Ok
                {
                    assert!(from_wire_error(&status).is_some_and(|error| error.code.is_some()), "{status:?}");
                    assert_ne!(status.code(), Code::Unimplemented, "{path}");
                }
            }
        });
    }
}
