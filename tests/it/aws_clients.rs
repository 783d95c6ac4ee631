//! Unmodified clients: the user's own program, the AWS CLI, boto3, gRPC from another language, our own two.

use std::fs;
use std::path::Path;

use anyhow::Result;
use serde_json::Value;
use tempfile::TempDir;
use testkit::provision::source_root;
use testkit::{Cluster, Program};

const SECRET: &str = "my-twitter-api-key";

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[test]
fn every_client_reads_and_rewrites_one_secret_through_every_node() {
    let cluster = Cluster::start(3).unwrap();

    // The user's own program, which knows nothing of Conclave, and the secret made by the AWS CLI.
    let created = cluster
        .aws(&[
            "secretsmanager",
            "create-secret",
            "--name",
            SECRET,
            "--secret-string",
            r#"{"TwitterAPIKey":"a key of 1,000 years"}"#,
        ])
        .unwrap();
    let created = created.run().unwrap().json().unwrap();
    assert_eq!(created["Name"], SECRET);
    let printed = cluster.python(&[&script("get_secret.py")]).unwrap().run().unwrap().success().unwrap();
    assert_eq!(printed, "a key of 1,000 years\n");

    let clients = Clients { generated: generate(&cluster).unwrap(), cluster: &cluster };
    let mut value = r#"{"TwitterAPIKey":"a key of 1,000 years"}"#.to_owned();
    for node in cluster.nodes().unwrap() {
        for client in ALL {
            let next = format!("written by {client:?} at node {}", node.id);
            let seen = clients.rewrite(*client, &node.client_addr, &next).unwrap();
            assert_eq!(seen, value, "{client:?} at node {} read what was written before", node.id);
            value = next;
        }
    }

    // The CLI's own pager walks over pages, and its waiters for errors know our codes.
    let listed = cluster.aws(&["secretsmanager", "list-secrets", "--page-size", "1"]).unwrap().run().unwrap();
    assert_eq!(listed.json().unwrap()["SecretList"].as_array().unwrap().len(), 1);
    let missing = cluster.aws(&["secretsmanager", "get-secret-value", "--secret-id", "nope"]).unwrap().run().unwrap();
    assert_ne!(missing.code, Some(0));
    assert!(
        missing.stderr.contains(
            "(ResourceNotFoundException) when calling the GetSecretValue operation: \
             Secrets Manager can't find the specified secret."
        ),
        "{}",
        missing.stderr
    );
}

#[derive(Clone, Copy, Debug)]
enum Client {
    AwsCli,
    Boto3,
    Rust,
    PythonGrpc,
    ConclaveCli,
}

const ALL: &[Client] = &[Client::AwsCli, Client::Boto3, Client::Rust, Client::PythonGrpc, Client::ConclaveCli];

struct Clients<'a> {
    cluster: &'a Cluster,
    /// Where the Python code of `proto/` is.
    generated: TempDir,
}

impl Clients<'_> {
    /// Reads the secret at one node, then writes `next` there, and answers what was read.
    fn rewrite(&self, client: Client, address: &str, next: &str) -> Result<String> {
        let at = |program: Program| {
            program.envs([("AWS_ENDPOINT_URL", format!("https://{address}").as_str()), ("CONCLAVE_ENDPOINTS", address)])
        };
        let first_line = |printed: String| printed.lines().next().unwrap_or_default().to_owned();
        match client {
            Client::AwsCli => {
                let get = self.cluster.aws(&["secretsmanager", "get-secret-value", "--secret-id", SECRET])?;
                let read: Value = at(get).run()?.json()?;
                let put = ["secretsmanager", "put-secret-value", "--secret-id", SECRET, "--secret-string", next];
                at(self.cluster.aws(&put)?).run()?.success()?;
                Ok(read["SecretString"].as_str().unwrap_or_default().to_owned())
            }
            Client::Boto3 => {
                let program = self.cluster.python(&[&script("rewrite_secret.py"), SECRET])?.stdin(next);
                let printed = at(program).run()?.success()?;
                let lines: Vec<&str> = printed.lines().collect();
                assert_eq!(
                    lines[1..],
                    [
                        "ResourceNotFoundException Secrets Manager can't find the specified secret.",
                        "ResourceExistsException"
                    ]
                );
                Ok(lines[0].to_owned())
            }
            Client::Rust => {
                let example = self.cluster.provision().beside_binary("examples/rewrite_secret")?;
                let printed = at(self.cluster.program(example).args([SECRET]).stdin(next)).run()?.success()?;
                // The example that the README shows reads what this one wrote.
                let shown = self.cluster.provision().beside_binary("examples/get_secret")?;
                let read = at(self.cluster.program(shown).args([SECRET])).run()?.success()?;
                assert_eq!(read.trim_end(), next);
                Ok(first_line(printed))
            }
            Client::PythonGrpc => {
                let program = self.cluster.python(&[&script("grpc_secret.py"), SECRET])?.stdin(next);
                let program = program.envs([("PYTHONPATH", self.generated.path())]);
                Ok(first_line(at(program).run()?.success()?))
            }
            Client::ConclaveCli => {
                let read = at(self.cluster.conclave(["secret", "get", SECRET])).run()?.success()?;
                at(self.cluster.conclave(["secret", "put", SECRET])).stdin(next).run()?.success()?;
                Ok(first_line(read))
            }
        }
    }
}

fn script(name: &str) -> String {
    source_root().join("tests/clients/python").join(name).display().to_string()
}

/// Generates the Python code of `proto/`, as any user would with plain protoc.
fn generate(cluster: &Cluster) -> Result<TempDir> {
    let out = tempfile::tempdir()?;
    let proto = source_root().join("proto");
    let path = out.path().display().to_string();
    let compiler = cluster.python(&["-m", "grpc_tools.protoc"])?.in_directory(&proto);
    compiler
        .args(["-I.", &format!("--python_out={path}"), &format!("--grpc_python_out={path}")])
        .args(client_files(&proto)?)
        .run()?
        .success()?;
    Ok(out)
}

/// The files of `proto/` that clients use.
fn client_files(proto: &Path) -> Result<Vec<String>> {
    let files =
        ["conclave/secrets/v1/secrets.proto", "conclave/keys/v1/keys.proto", "conclave/cluster/v1/cluster.proto"];
    for file in files {
        fs::metadata(proto.join(file))?;
    }
    Ok(files.map(str::to_owned).to_vec())
}
