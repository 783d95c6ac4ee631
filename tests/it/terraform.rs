//! Terraform and its AWS provider, unmodified: a plan is applied, changed, found unchanged and destroyed, twice.

use std::env;
use std::fs;

use serde_json::json;
use testkit::provision::source_root;
use testkit::{Cluster, Program, SignedClient};

/// The program.
const TERRAFORM_VARIABLE: &str = "CONCLAVE_TEST_TERRAFORM";
/// The folder that the AWS provider lies in, as `terraform init -plugin-dir` wants it.
const PROVIDERS_VARIABLE: &str = "CONCLAVE_TEST_TERRAFORM_PROVIDERS";

/// What `terraform plan -detailed-exitcode` ends with when there is nothing to do.
const NOTHING_TO_DO: Option<i32> = Some(0);

#[ignore = "needs Terraform and its AWS provider; tests/README.md says how it is run"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_is_applied_changed_and_destroyed_twice() {
    let cluster = Cluster::start(3).unwrap();
    let ids = cluster.ids().unwrap();
    let here = cluster.signed(ids[1]).unwrap();
    let abroad = here.in_region("us-west-2");
    let work = tempfile::tempdir().unwrap();
    let plan = source_root().join("tests/clients/terraform/main.tf");
    fs::copy(plan, work.path().join("main.tf")).unwrap();

    let terraform = |command: &str, arguments: &[&str], password: &str| -> Program {
        cluster
            .program(env::var(TERRAFORM_VARIABLE).unwrap())
            // The cluster is named in the plan alone.
            .envs([("AWS_ENDPOINT_URL", ""), ("AWS_CA_BUNDLE", ""), ("CHECKPOINT_DISABLE", "1")])
            .envs([("TF_VAR_ca", cluster.variable("CONCLAVE_CA").unwrap()), ("TF_VAR_password", password)])
            .envs([("TF_VAR_endpoint", cluster.variable("AWS_ENDPOINT_URL").unwrap())])
            .in_directory(work.path())
            .args([command, "-no-color"])
            .args(arguments)
    };
    let run = |command: &str, arguments: &[&str], password: &str| {
        terraform(command, arguments, password).run().unwrap().success().unwrap()
    };
    let providers = format!("-plugin-dir={}", env::var(PROVIDERS_VARIABLE).unwrap());
    run("init", &[&providers], "");

    for round in ["one", "two"] {
        for password in [format!("first of {round}"), format!("second of {round}")] {
            run("apply", &["-auto-approve"], &password);
            let again = terraform("plan", &["-detailed-exitcode"], &password).run().unwrap();
            assert_eq!(again.code, NOTHING_TO_DO, "{}", again.stdout);
            let value = json!({"password": password, "user": "app"}).to_string();
            assert_eq!(run("output", &["-raw", "value"], &password), value);
            for node in [&here, &abroad] {
                assert_eq!(read(node).await.as_deref(), Some(value.as_str()));
            }
        }
        run("destroy", &["-auto-approve"], "");
        assert_eq!((read(&here).await, read(&abroad).await), (None, None));
    }
}

/// The value of the plan's secret; `None` when it is not there.
async fn read(node: &SignedClient) -> Option<String> {
    let answer = node.call("GetSecretValue", &json!({"SecretId": "terraform/db"})).await.unwrap();
    let json = answer.json().unwrap();
    if !answer.status.is_success() {
        assert_eq!(answer.error_code(), "ResourceNotFoundException");
        return None;
    }
    json["SecretString"].as_str().map(str::to_owned)
}
