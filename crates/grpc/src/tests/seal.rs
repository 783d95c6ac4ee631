//! The seal and the keyring, over this front.

use proto::cluster::v1 as wire;
use proto::cluster::v1::change_keyring_request::Change;
use proto::cluster::v1::credential::Credential;
use proto::cluster::v1::seal_client::SealClient;

use super::*;

fn seal(fake: &Fake) -> SealClient<Router> {
    SealClient::new(app(fake))
}

fn credential(credential: Credential) -> wire::Credential {
    wire::Credential { credential: Some(credential) }
}

async fn change(fake: &Fake, change: Change) -> Result<wire::ChangeKeyringResponse, Status> {
    let credentials =
        vec![credential(Credential::Passphrase(b"horse".to_vec())), credential(Credential::Share("CKS-7".to_owned()))];
    let request = wire::ChangeKeyringRequest { change: Some(change), credentials };
    Ok(seal(fake).change_keyring(request).await?.into_inner())
}

#[tokio::test]
async fn a_node_that_is_not_sealed_says_so_and_what_could_unseal_it() {
    let fake = Fake::new();
    let shamir = wire::Provider { kind: wire::ProviderKind::Shamir.into(), id: "shamir-1".to_owned() };
    let expected = wire::SealStatusResponse {
        node: 1,
        providers: vec![shamir],
        barrier_term: 4,
        peer_unseal: true,
        ..Default::default()
    };
    let status = seal(&fake).seal_status(wire::SealStatusRequest {}).await.unwrap().into_inner();
    assert_eq!(status, expected);
    let status = seal(&fake).unseal(wire::UnsealRequest { credential: None }).await.unwrap().into_inner();
    assert_eq!(status, expected);
    assert!(fake.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn every_change_arrives_with_its_credentials_and_shares_come_back() {
    let shares = wire::NewShares { shares: 5, threshold: 3 };
    let add = |provider| Change::AddProvider(wire::AddProvider { provider: Some(provider) });
    let keyfile = wire::Provider { kind: wire::ProviderKind::Keyfile.into(), id: "keyfile-1".to_owned() };
    for (asked, told) in [
        (Change::RotateBarrier(wire::RotateBarrier {}), "KeyringChange"),
        (Change::RotateRoot(wire::RotateRoot {}), "KeyringChange"),
        (add(wire::add_provider::Provider::Shares(shares)), "3 of 5"),
        (Change::RemoveProvider(keyfile), "without Keyfile keyfile-1"),
    ] {
        let fake = Fake::new();
        let changed = change(&fake, asked).await.unwrap();
        assert_eq!((changed.revision, changed.barrier_term), (2, 5));
        assert_eq!(changed.shares, ["CKS-1"]);
        assert_eq!(fake.only_call().input, format!("{told}, 5 bytes, CKS-7"));
    }
}

#[tokio::test]
async fn a_change_that_is_none_is_refused() {
    let add = |provider| Change::AddProvider(wire::AddProvider { provider });
    let many = wire::NewShares { shares: 256, threshold: 3 };
    let nobody = wire::Provider { kind: 99, id: "x".to_owned() };
    for asked in [add(None), add(Some(wire::add_provider::Provider::Shares(many))), Change::RemoveProvider(nobody)] {
        let fake = Fake::new();
        assert_eq!(change(&fake, asked).await.unwrap_err().code(), Code::InvalidArgument);
        assert!(fake.seen.lock().unwrap().is_empty());
    }
    let fake = Fake::new();
    let credentials = vec![wire::Credential { credential: None }];
    let refused = seal(&fake).verify_providers(wire::VerifyProvidersRequest { credentials }).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn what_came_of_sealing_and_of_each_provider_is_told() {
    let fake = Fake::new();
    let nodes = seal(&fake).seal(wire::SealRequest {}).await.unwrap().into_inner().nodes;
    let told: Vec<(u64, &str)> = nodes.iter().map(|node| (node.id, node.error.as_str())).collect();
    assert_eq!(told, [(1, ""), (2, "no answer")]);
    let request = wire::VerifyProvidersRequest { credentials: Vec::new() };
    let reports = seal(&fake).verify_providers(request).await.unwrap().into_inner().reports;
    assert_eq!(reports[0].error, "it is not at hand");
}
