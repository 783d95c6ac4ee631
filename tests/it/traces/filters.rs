//! The matrix of filters: eleven secrets, and which of them each filter finds.

use serde_json::{Value, json};
use uuid::Uuid;

use super::Side;

/// Name, description, tags.
type Described = (&'static str, Option<&'static str>, &'static [(&'static str, &'static str)]);

/// The secrets; a name has a prefix before it that is the same for all.
const SECRETS: &[Described] = &[
    ("/testing1", None, &[]),
    ("/testing2", None, &[("team", "blue")]),
    ("testing3", Some("a secret"), &[("Team", "Blue")]),
    ("d1", Some("an secret"), &[("env", "prod")]),
    ("d2", Some("asecret"), &[]),
    ("d3", Some("thesecret"), &[]),
    ("d4", Some("one and two"), &[("env", "test")]),
    ("SecretOne", None, &[]),
    ("Thirdsecret", None, &[]),
    ("prod-AppBeta", None, &[]),
    ("COMPANY", None, &[]),
];

/// Filters as pairs of key and values, and whom they find, in the order of creation.
type Row = (&'static [(&'static str, &'static [&'static str])], &'static [&'static str]);

/// `^` in a value stands for the prefix of the names.
const MATRIX: &[Row] = &[
    // Names: a prefix, and its case counts.
    (&[("name", &["^/"])], &["/testing1", "/testing2"]),
    (&[("name", &["^/testing2"])], &["/testing2"]),
    (&[("name", &["^testing1 one"])], &[]),
    (&[("name", &["^secretone"])], &[]),
    (&[("name", &["^SecretOne", "^COMP"])], &["SecretOne", "COMPANY"]),
    (&[("name", &["^/"]), ("name", &["^/testing1"])], &["/testing1"]),
    (&[("name", &["^/"]), ("name", &["^testing3"])], &[]),
    (&[("name", &["!^/"]), ("name", &["!^d"])], &["testing3", "SecretOne", "Thirdsecret", "prod-AppBeta", "COMPANY"]),
    // Descriptions: words that begin so, and no case.
    (&[("description", &["a"])], &["testing3", "d1", "d2", "d4"]),
    (&[("description", &["a secret"])], &["testing3", "d1"]),
    (&[("description", &["A SECRET"])], &["testing3", "d1"]),
    (&[("description", &["secret"])], &["testing3", "d1"]),
    (&[("description", &["one two"])], &["d4"]),
    (&[("description", &["o t"])], &["d4"]),
    (&[("description", &["wo"])], &[]),
    (&[("description", &["thesecret", "one"])], &["d3", "d4"]),
    // Tags: prefixes, and their case counts; a key and a value may be those of two tags.
    (&[("tag-key", &["team"])], &["/testing2"]),
    (&[("tag-key", &["Te"])], &["testing3"]),
    (&[("tag-key", &["e"])], &["d1", "d4"]),
    (&[("tag-value", &["blu"])], &["/testing2"]),
    (&[("tag-value", &["Blu", "prod"])], &["testing3", "d1"]),
    (&[("tag-key", &["env"]), ("tag-value", &["test"])], &["d4"]),
    (&[("tag-key", &["team"]), ("tag-value", &["prod"])], &[]),
    // Everything: words of one attribute, split at signs and at capitals.
    (&[("all", &["sec"])], &["testing3", "d1", "SecretOne"]),
    (&[("all", &["Secret"])], &["testing3", "d1", "SecretOne"]),
    (&[("all", &["ret"])], &[]),
    (&[("all", &["one"])], &["d4", "SecretOne"]),
    (&[("all", &["beta"])], &["prod-AppBeta"]),
    (&[("all", &["app beta"])], &["prod-AppBeta"]),
    (&[("all", &["COMPANY"])], &["COMPANY"]),
    (&[("all", &["blue"])], &["/testing2", "testing3"]),
    (&[("all", &["prod"])], &["d1", "prod-AppBeta"]),
    (&[("all", &["/"])], &[]),
    // Keys that nothing here has.
    (&[("owning-service", &["rds"])], &[]),
    (&[("primary-region", &["us-east-1"])], &[]),
    // A negated value finds what does not match it; beside another value it is one of two.
    (&[("description", &["!a"]), ("name", &["^d"])], &["d3"]),
    (&[("name", &["^d4", "!^d"]), ("name", &["^d"])], &["d4"]),
];

/// Plays the matrix with ListSecrets and with BatchGetSecretValue. Answers what is wrong.
pub(super) async fn play(side: &mut Side) -> Vec<String> {
    let prefix = format!("{}-filters.", side.name());
    for (name, description, tags) in SECRETS {
        let tags: Vec<Value> = tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
        let mut body = json!({
            "Name": format!("{prefix}{name}"), "ClientRequestToken": Uuid::new_v4().to_string(), "SecretString": name,
            "Tags": tags,
        });
        if let Some(description) = description {
            body["Description"] = json!(description);
        }
        side.ask("CreateSecret", &body.to_string()).await.unwrap().0.unwrap();
    }
    let mut wrong = Vec::new();
    for (filters, expected) in MATRIX {
        let value = |value: &&str| json!(value.replace('^', &prefix));
        let mut given: Vec<Value> = filters
            .iter()
            .map(|(key, values)| json!({"Key": key, "Values": values.iter().map(value).collect::<Vec<_>>()}))
            .collect();
        given.push(json!({"Key": "name", "Values": [prefix]}));
        let body = json!({"Filters": given}).to_string();
        for (operation, entries) in [("ListSecrets", "SecretList"), ("BatchGetSecretValue", "SecretValues")] {
            let answer = side.ask(operation, &body).await.unwrap().0.unwrap();
            let names = answer[entries].as_array().unwrap().iter().map(|entry| entry["Name"].as_str().unwrap());
            let names: Vec<&str> = names.map(|name| name.strip_prefix(&prefix).unwrap()).collect();
            if names != *expected {
                wrong.push(format!("{operation} over {}, {filters:?}: {names:?}, not {expected:?}", side.name()));
            }
        }
    }
    wrong
}
