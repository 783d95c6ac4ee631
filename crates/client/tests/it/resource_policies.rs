//! What goes out and what comes back about policies of secrets.

use client::PutResourcePolicy;

use crate::server::{ARN, Node, Pki};

#[tokio::test]
async fn policies_go_out_and_come_back_as_they_are() {
    let pki = Pki::new();
    let node = Node::start(&pki, []).await;
    let client = pki.client(&[node.address]).connect().unwrap();

    let put = client.put_resource_policy(PutResourcePolicy::new("prod/db", "{ }").block_public_policy()).await.unwrap();
    assert_eq!((put.arn.as_str(), put.name.as_str(), put.applied_index), (ARN, "prod/db", 7));
    assert_eq!(client.delete_resource_policy("prod/db").await.unwrap(), put);

    let got = client.get_resource_policy("prod/db").await.unwrap();
    assert_eq!((got.resource_policy.as_deref(), got.applied_index), (Some("{ }"), 7));
    assert_eq!(client.get_resource_policy("bare").await.unwrap().resource_policy, None);

    assert_eq!(client.validate_resource_policy(None, "{ }").await.unwrap(), []);
    let found = client.validate_resource_policy(Some("prod/db".to_owned()), "{ }").await.unwrap();
    assert_eq!((found[0].check_name.as_str(), found[0].error_message.as_str()), ("prod/db", "{ }"));
    assert_eq!(client.list_resource_policies("prod/db").await.unwrap(), ["default"]);
}
