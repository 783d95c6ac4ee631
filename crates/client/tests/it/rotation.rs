//! What goes out and what comes back about rotation.

use client::RotateSecret;

use crate::server::{ARN, Node, Pki};

#[tokio::test]
async fn a_rotation_is_named_by_its_token_and_can_be_cancelled() {
    let pki = Pki::new();
    let node = Node::start(&pki, []).await;
    let client = pki.client(&[node.address]).connect().unwrap();

    let request =
        RotateSecret::new("prod/db").rotation_lambda_arn("f").schedule_expression("rate(1 day)").duration("2h");
    let rotated = client.rotate_secret(request.client_request_token("t").not_immediately()).await.unwrap();
    assert_eq!((rotated.arn.as_str(), rotated.name.as_str(), rotated.applied_index), (ARN, "prod/db", 7));
    assert_eq!(rotated.version_id.as_deref(), Some("t"));
    let drawn = client.rotate_secret(RotateSecret::new("prod/db").automatically_after_days(7)).await.unwrap();
    assert_eq!(drawn.version_id.map(|token| token.len()), Some(36));
    assert_eq!(client.cancel_rotate_secret("prod/db").await.unwrap().version_id, None);
}
