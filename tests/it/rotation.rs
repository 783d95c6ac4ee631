//! Rotation, as long as no function can be registered: refused as AWS refuses it, and nothing is left of it.

use client::{ErrorCode, RotateSecret};
use serde_json::{Value, json};
use testkit::{Cluster, SignedClient};
use uuid::Uuid;

const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:unknown";

/// The code of a refusal and the member that its text stands in, with the text.
async fn refused(node: &SignedClient, operation: &str, body: Value) -> (String, String) {
    let answer = node.call(operation, &body).await.unwrap();
    assert_eq!(answer.status, 400, "{operation}: {}", answer.body);
    let json = answer.json().unwrap();
    let member = if json.get("message").is_some() { "message" } else { "Message" };
    (answer.error_code(), format!("{member}: {}", json[member].as_str().unwrap()))
}

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_function_that_nobody_knows_is_refused_everywhere_and_leaves_nothing() {
    let cluster = Cluster::start(3).unwrap();
    let ids = cluster.ids().unwrap();
    let node = cluster.signed(ids[0]).unwrap();
    let token = || Uuid::new_v4().to_string();
    let create = json!({"Name": "rotated", "ClientRequestToken": token(), "SecretString": "v"});
    assert!(node.call("CreateSecret", &create).await.unwrap().status.is_success());
    let describe = json!({"SecretId": "rotated"});
    let before = node.call("DescribeSecret", &describe).await.unwrap().json().unwrap();

    let rotate = |members: Value| {
        let mut body = json!({"SecretId": "rotated", "ClientRequestToken": token(), "RotationLambdaARN": FUNCTION});
        body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        body
    };
    let days = json!({"RotationRules": {"AutomaticallyAfterDays": 30}});
    let both = json!({"RotationRules": {"AutomaticallyAfterDays": 1, "ScheduleExpression": "rate(1 day)"}});
    for (id, body, code, text) in [
        (
            ids[0],
            rotate(days),
            "AccessDeniedException",
            "message: Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants \
             access to the principal secretsmanager.amazonaws.com.",
        ),
        (
            ids[1],
            rotate(json!({"RotationLambdaARN": null})),
            "InvalidRequestException",
            "Message: No Lambda rotation function ARN is associated with this secret.",
        ),
        (
            ids[2],
            rotate(both),
            "InvalidParameterException",
            "Message: You cannot specify both rotation frequency and schedule expression together.",
        ),
        (
            ids[0],
            rotate(json!({"SecretId": "nowhere", "ClientRequestToken": null})),
            "InvalidParameterException",
            "Message: You must provide a ClientRequestToken value. We recommend a UUID-type value.",
        ),
        (
            ids[1],
            rotate(json!({"SecretId": "nowhere"})),
            "ResourceNotFoundException",
            "Message: Secrets Manager can't find the specified secret.",
        ),
    ] {
        let refusal = refused(&cluster.signed(id).unwrap(), "RotateSecret", body).await;
        assert_eq!((refusal.0.as_str(), refusal.1.as_str()), (code, text));
    }
    let (code, _) = refused(&node, "CancelRotateSecret", describe.clone()).await;
    assert_eq!(code, "InvalidRequestException");

    // The other front, and the command.
    let client = cluster.client().unwrap();
    let request = RotateSecret::new("rotated").rotation_lambda_arn(FUNCTION).automatically_after_days(30);
    let error = client.rotate_secret(request).await.unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::AccessDenied));
    let error = client.cancel_rotate_secret("rotated").await.unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::InvalidRequest));
    let run = |arguments: &[&str]| cluster.conclave([&["secret"], arguments].concat()).run().unwrap();
    let rotated =
        run(&["rotate", "rotated", "--rotation-lambda-arn", FUNCTION, "--schedule-expression", "rate(1 day)"]);
    assert_eq!(rotated.code, Some(1));
    assert!(rotated.stderr.contains("AccessDeniedException"), "{}", rotated.stderr);
    assert_eq!(run(&["cancel-rotate", "rotated"]).code, Some(1));

    for id in ids {
        let shown = cluster.signed(id).unwrap().call("DescribeSecret", &describe).await.unwrap().json().unwrap();
        assert_eq!(shown, before);
    }
}
