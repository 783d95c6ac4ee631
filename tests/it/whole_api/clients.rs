//! The clients: each does one call with AWS's member names, bytes in base64 and dates in seconds.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use testkit::provision::source_root;
use testkit::{Cluster, Dialog};

use crate::fronts::Refused;

pub(super) trait Client {
    fn call(&mut self, operation: &'static str, region: &str, body: &Value) -> Result<Value, Refused>;

    /// Operations that this client is too old for.
    fn lacks(&self) -> &'static [&'static str] {
        &[]
    }
}

/// Operations that only boto3 has so far.
const NEWEST: &[&str] = &["AssociateCrossAccountReplica", "DisassociateCrossAccountReplica", "ListResourcePolicies"];

pub(super) struct Boto3(Dialog);

impl Boto3 {
    pub(super) fn start(cluster: &Cluster) -> Result<Self> {
        Ok(Self(Dialog::start(&cluster.python(&[&script("python/answer_lines.py")])?)?))
    }
}

impl Client for Boto3 {
    fn call(&mut self, operation: &'static str, region: &str, body: &Value) -> Result<Value, Refused> {
        ask(&mut self.0, operation, region, body)
    }
}

pub(super) struct JavaScript(Dialog);

impl JavaScript {
    pub(super) fn start(cluster: &Cluster) -> Result<Self> {
        Ok(Self(Dialog::start(&cluster.javascript(&[&script("javascript/answer_lines.cjs")])?)?))
    }
}

impl Client for JavaScript {
    fn call(&mut self, operation: &'static str, region: &str, body: &Value) -> Result<Value, Refused> {
        ask(&mut self.0, operation, region, body)
    }

    fn lacks(&self) -> &'static [&'static str] {
        NEWEST
    }
}

pub(super) struct RustSdk(Dialog);

impl RustSdk {
    pub(super) fn start(cluster: &Cluster) -> Result<Self> {
        let example = cluster.provision().beside_binary("examples/aws_sdk")?;
        Ok(Self(Dialog::start(&cluster.program(example))?))
    }
}

impl Client for RustSdk {
    fn call(&mut self, operation: &'static str, region: &str, body: &Value) -> Result<Value, Refused> {
        ask(&mut self.0, operation, region, body)
    }

    /// Newer versions of the SDK need a newer Rust than this workspace asks for.
    fn lacks(&self) -> &'static [&'static str] {
        NEWEST
    }
}

fn ask(dialog: &mut Dialog, operation: &str, region: &str, body: &Value) -> Result<Value, Refused> {
    let answer = dialog.ask(&json!({"operation": operation, "region": region, "input": body})).unwrap();
    match answer.get("output") {
        Some(output) => Ok(output.clone()),
        None => Err(Refused { code: text(&answer["code"]), message: text(&answer["message"]) }),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// One process a call, with options as people write them.
pub(super) struct AwsCli<'a>(&'a Cluster);

impl<'a> AwsCli<'a> {
    pub(super) fn new(cluster: &'a Cluster) -> Self {
        Self(cluster)
    }

    fn run(&self, operation: &str, region: &str, body: &Value) -> Result<Result<Value, Refused>> {
        let directory = tempfile::tempdir()?;
        let mut arguments: Vec<String> =
            ["secretsmanager", &kebab(operation), "--region", region, "--no-paginate"].map(str::to_owned).into();
        // The CLI writes dates as people read them.
        arguments.extend(["--output", "json", "--cli-read-timeout", "60"].map(str::to_owned));
        for (name, value) in body.as_object().into_iter().flatten() {
            let option = kebab(name);
            match value {
                Value::Null => {}
                Value::Bool(true) => arguments.push(format!("--{option}")),
                Value::Bool(false) => arguments.push(format!("--no-{option}")),
                Value::String(bytes) if name == "SecretBinary" => {
                    use base64::Engine;
                    let file = directory.path().join("bytes");
                    std::fs::write(&file, base64::engine::general_purpose::STANDARD.decode(bytes)?)?;
                    arguments.extend([format!("--{option}"), format!("fileb://{}", file.display())]);
                }
                Value::String(text) => arguments.extend([format!("--{option}"), text.clone()]),
                Value::Array(entries) if entries.iter().all(Value::is_string) => {
                    arguments.push(format!("--{option}"));
                    arguments.extend(entries.iter().map(text));
                }
                other => arguments.extend([format!("--{option}"), other.to_string()]),
            }
        }
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let finished = self.0.aws(&arguments)?.run()?;
        if finished.code == Some(0) {
            return Ok(Ok(if finished.stdout.trim().is_empty() { json!({}) } else { dates(finished.json()?) }));
        }
        refusal(&finished.stderr).map(Err).with_context(|| format!("`{}`: {}", finished.command, finished.stderr))
    }
}

impl Client for AwsCli<'_> {
    fn call(&mut self, operation: &'static str, region: &str, body: &Value) -> Result<Value, Refused> {
        self.run(operation, region, body).unwrap()
    }

    fn lacks(&self) -> &'static [&'static str] {
        NEWEST
    }
}

/// `An error occurred (CODE) when calling the OPERATION operation: MESSAGE`.
fn refusal(said: &str) -> Option<Refused> {
    let (_, rest) = said.split_once("An error occurred (")?;
    let (code, rest) = rest.split_once(')')?;
    let (_, message) = rest.split_once(" operation: ")?;
    Some(Refused { code: code.to_owned(), message: message.trim_end().to_owned() })
}

/// `DescribeSecret` as the CLI spells it: `describe-secret`, and `KMSKeyARN` as `kms-key-arn`.
fn kebab(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    let mut spelled = String::new();
    for (at, c) in chars.iter().enumerate() {
        let before = at.checked_sub(1).map(|before| chars[before]);
        let starts = c.is_uppercase()
            && before.is_some_and(|before| {
                !before.is_uppercase() || chars.get(at + 1).is_some_and(|after| after.is_lowercase())
            });
        if starts {
            spelled.push('-');
        }
        spelled.extend(c.to_lowercase());
    }
    spelled
}

/// Members whose names end in `Date`, which the CLI writes in one of two ways, in seconds.
fn dates(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let date = |(name, value): (String, Value)| {
                let value = match value.as_str().filter(|_| name.ends_with("Date")) {
                    Some(text) => json!(seconds(text)),
                    None => dates(value),
                };
                (name, value)
            };
            Value::Object(members.into_iter().map(date).collect())
        }
        Value::Array(entries) => Value::Array(entries.into_iter().map(dates).collect()),
        other => other,
    }
}

fn seconds(text: &str) -> f64 {
    let date: jiff::Timestamp = text.parse().unwrap_or_else(|error| panic!("{text:?} is no date: {error}"));
    date.as_second() as f64
}

/// A program under `tests/clients/`.
pub(super) fn script(name: &str) -> String {
    source_root().join("tests/clients").join(name).display().to_string()
}
