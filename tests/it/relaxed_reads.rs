//! Reads that may do with less than the newest data: refused until they are switched on, then served through both
//! fronts, and only where the caller itself has asked for them.

use std::time::SystemTime;

use http::StatusCode;
use serde_json::json;
use testkit::fate::refusal;
use testkit::signed::Answer;
use testkit::{Cluster, SignedClient, requests};
use tonic::{Request, Response, Status};
use types::consistency::{AGE_HEADER, APPLIED_INDEX_HEADER, CONSISTENCY_HEADER};
use uuid::Uuid;

const SECRET: &str = "relaxed";
const VALUE: &str = "the value";
/// The section `[reads]` as the environment of a node writes it.
const SWITCHED_ON: [(&str, &str); 2] = [("CONCLAVE_READS_LEASE", "true"), ("CONCLAVE_READS_STALE_MAX_AGE_MS", "60000")];
const RELAXED: [&str; 3] = ["stale", "stale; max-age=5", "lease"];

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn relaxed_reads_are_refused_until_they_are_switched_on() {
    let cluster = Cluster::start(3).unwrap();
    let ids = cluster.ids().unwrap();
    let token = Uuid::new_v4().to_string();
    let created = requests::create_secret(SECRET, &token, VALUE);
    cluster.secrets(ids[0]).unwrap().create_secret(created).await.unwrap();

    for consistency in RELAXED {
        let status = over_grpc(&cluster, ids[0], consistency).await.unwrap_err();
        let refused = refusal(&status).unwrap();
        assert_eq!(refused.code, "InvalidRequestException");
        assert!(refused.message.contains("switched off"), "{}", refused.message);
        let answer = over_aws(&cluster.signed(ids[0]).unwrap(), consistency).await;
        assert_eq!((answer.status, answer.error_code().as_str()), (StatusCode::BAD_REQUEST, "InvalidRequestException"));
        assert!(answer.body.contains("switched off"), "{}", answer.body);
    }
    for id in &ids {
        cluster.kill_9(&[*id]).unwrap();
        cluster.restart_command(*id).envs(SWITCHED_ON).run().unwrap().success().unwrap();
        cluster.settled().await.unwrap();
    }

    for id in ids {
        for consistency in RELAXED {
            let is_stale = consistency.starts_with("stale");
            let response = over_grpc(&cluster, id, consistency).await.unwrap();
            assert_eq!(response.metadata().contains_key(AGE_HEADER), is_stale, "{consistency}");
            assert_eq!(response.get_ref().secret_string.as_deref(), Some(VALUE));

            let answer = over_aws(&cluster.signed(id).unwrap(), consistency).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
            assert_eq!(answer.json().unwrap()["SecretString"], VALUE);
            assert_eq!(answer.headers.contains_key(AGE_HEADER), is_stale, "{consistency}");
            let applied: u64 = answer.headers[APPLIED_INDEX_HEADER].to_str().unwrap().parse().unwrap();
            assert!(applied > 0);
        }
        what_is_asked_wrongly_is_refused(&cluster, id).await;
    }
    on_the_command_line(&cluster);
}

async fn what_is_asked_wrongly_is_refused(cluster: &Cluster, id: u64) {
    for consistency in ["eventual", "stale; max-age=5m", "lease, stale"] {
        let status = over_grpc(cluster, id, consistency).await.unwrap_err();
        assert_eq!(status.code(), tonic::Code::InvalidArgument);
        assert_eq!(refusal(&status).unwrap().code, "ValidationException");
        let answer = over_aws(&cluster.signed(id).unwrap(), consistency).await;
        assert_eq!(answer.error_code(), "ValidationException");
        assert!(answer.body.contains(CONSISTENCY_HEADER), "{}", answer.body);
    }

    // Somebody between the client and the node asks for less than the client does.
    let client = cluster.signed(id).unwrap();
    let request = client.request("GetSecretValue", &json!({ "SecretId": SECRET }).to_string());
    let mut request = client.sign(request, SystemTime::now()).unwrap();
    request.headers_mut().insert(CONSISTENCY_HEADER, "stale".parse().unwrap());
    let answer = client.send(request).await.unwrap();
    assert_eq!(answer.error_code(), "InvalidSignatureException");
    assert!(answer.body.contains(CONSISTENCY_HEADER), "{}", answer.body);
}

fn on_the_command_line(cluster: &Cluster) {
    let get = |arguments: &[&str]| {
        cluster.conclave(["secret", "get", SECRET].iter().chain(arguments).copied()).run().unwrap()
    };
    for arguments in [&["--consistency", "stale", "--max-age", "5s"][..], &["--consistency", "lease"], &[]] {
        assert_eq!(get(arguments).success().unwrap(), VALUE, "{arguments:?}");
    }
    for arguments in [&["--max-age", "5s"][..], &["--consistency", "eventual"]] {
        assert_eq!(get(arguments).code, Some(2), "{arguments:?}");
    }
}

async fn over_grpc(
    cluster: &Cluster,
    id: u64,
    consistency: &str,
) -> Result<Response<proto::secrets::v1::GetSecretValueResponse>, Status> {
    let message = proto::secrets::v1::GetSecretValueRequest { secret_id: SECRET.to_owned(), ..Default::default() };
    let mut request = Request::new(message);
    request.metadata_mut().insert(CONSISTENCY_HEADER, consistency.parse().unwrap());
    cluster.secrets(id).unwrap().get_secret_value(request).await
}

async fn over_aws(client: &SignedClient, consistency: &str) -> Answer {
    let mut request = client.request("GetSecretValue", &json!({ "SecretId": SECRET }).to_string());
    request.headers_mut().insert(CONSISTENCY_HEADER, consistency.parse().unwrap());
    client.send(client.sign(request, SystemTime::now()).unwrap()).await.unwrap()
}
