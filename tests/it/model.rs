//! AWS's own model of the API drives a real cluster: every operation, member, bound and error that botocore knows is
//! served, or is on a list that says why not. A newer botocore that knows more fails here, with what is new.

mod botocore;
mod checks;
mod keys_scenario;
mod keys_table;
mod scenario;
mod sheet;
mod table;
mod tables;
mod values;

use std::fs;
use std::path::Path;

use serde_json::json;
use testkit::provision::source_root;
use testkit::{Cluster, SignedClient};

use self::botocore::{Model, Place};
use self::checks::{Checks, answer_names};
pub(crate) use self::table::{OPERATIONS, is_served};
use self::tables::{How, Tables, reason};

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_api_is_the_one_of_awss_model() {
    const TABLES: &Tables = &table::SECRETS_MANAGER;
    let cluster = Cluster::start(1).unwrap();
    let client = cluster.signed(cluster.ids().unwrap()[0]).unwrap();
    let model = Model::read(&cluster, TABLES.service).unwrap();

    let mut checks = Checks::new(&model, TABLES, &client).await;
    for operation in model.operations() {
        checks.requests(operation).await;
    }
    scenario::play(&mut checks).await;
    finish(&model, TABLES, checks).await;

    a_newer_model_fails_with_what_is_new(&model, &client).await;
}

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_api_of_keys_is_the_one_of_awss_model() {
    const TABLES: &Tables = &keys_table::KMS;
    let cluster = Cluster::start(1).unwrap();
    let client = cluster.signed(cluster.ids().unwrap()[0]).unwrap().kms();
    let model = Model::read(&cluster, TABLES.service).unwrap();
    let mut checks = Checks::new(&model, TABLES, &client).await;
    for operation in model.operations() {
        checks.requests(operation).await;
    }
    keys_scenario::play(&mut checks).await;
    finish(&model, TABLES, checks).await;
}

/// Provokes the errors, and compares what was seen with the tables and the sheet.
async fn finish(model: &Model, tables: &'static Tables, mut checks: Checks<'_>) {
    for operation in model.operations() {
        if checks.seen[operation].served {
            checks.errors(operation).await;
        }
        checks.members(operation);
    }
    let mut findings = checks.findings;
    findings.extend(stale_lines(model, tables));
    findings.extend(missing_tests(tables));
    assert!(findings.is_empty(), "{} findings:\n{}", findings.len(), findings.join("\n"));
    assert!(checks.calls > 300, "the model drove {} calls only", checks.calls);

    let wrong = sheet::compare(tables, &sheet::render(model, tables, &checks.seen));
    assert!(wrong.is_none(), "{}", wrong.unwrap());
}

async fn a_newer_model_fails_with_what_is_new(model: &Model, client: &SignedClient) {
    let newer = model.with(|model| {
        model["operations"]["BrewCoffee"] = json!({"input": {"shape": "GetSecretValueRequest"}, "errors": []});
        model["shapes"]["GetSecretValueRequest"]["members"]["Sugar"] = json!({"shape": "DescriptionType"});
        model["shapes"]["SecretVersionStageType"]["max"] = json!(255);
        model["shapes"]["SecretIdType"]["pattern"] = json!("a+");
        model["shapes"]["SecretIdType"]["min"] = json!(2);
        model["operations"]["GetSecretValue"]["errors"].as_array_mut().unwrap().push(json!({"shape": "Spilled"}));
        model["shapes"]["GetSecretValueResponse"]["members"]["Cup"] = json!({"shape": "DescriptionType"});
    });
    let mut checks = Checks::new(&newer, &table::SECRETS_MANAGER, client).await;
    for operation in ["BrewCoffee", "GetSecretValue"] {
        checks.requests(operation).await;
    }
    checks.done("GetSecretValue", json!({"SecretId": "model/kept"})).await;
    checks.errors("GetSecretValue").await;
    checks.members("GetSecretValue");
    for new in [
        "BrewCoffee is an operation of the model that is not served",
        "GetSecretValue.Sugar is a member of the model that is not read",
        "GetSecretValue.VersionStage, above max 255",
        "GetSecretValue.SecretId, not of the pattern a+",
        "GetSecretValue.SecretId, below min 2",
        "GetSecretValue: the model has Spilled",
        "GetSecretValue.Cup is in no answer",
    ] {
        assert!(checks.findings.iter().any(|finding| finding.starts_with(new)), "{new}: {:#?}", checks.findings);
    }
}

/// Lines of the tables that say something of nothing.
fn stale_lines(model: &Model, tables: &Tables) -> Vec<String> {
    let mut stale = Vec::new();
    let operations = model.operations();
    if operations != tables.operations {
        stale.push(format!("OPERATIONS: the model's are {operations:?}"));
    }
    let requests = |operation: &&str| {
        let places = model.places(model.request(operation));
        places.iter().map(Place::name).collect::<Vec<_>>()
    };
    let answers = |operation: &&str| answer_names(model, operation).into_iter().collect();
    type Reasons = &'static [(&'static str, &'static str)];
    type Members<'a> = &'a (dyn Fn(&&str) -> Vec<String> + 'a);
    let lists: [(&str, Reasons, Members<'_>); 3] = [
        ("IGNORED", tables.ignored, &requests),
        ("NOT_USED", tables.not_used, &requests),
        ("NOT_SHOWN", tables.not_shown, &answers),
    ];
    for (list, lines, members) in lists {
        for line in lines {
            let is_of = |operation: &&str| {
                members(operation).iter().any(|member| reason(&[*line], operation, member).is_some())
            };
            if !operations.iter().any(is_of) {
                stale.push(format!("{list}: the model has no {}", line.0));
            }
        }
    }
    for (operation, _) in tables.not_served {
        if !operations.contains(operation) {
            stale.push(format!("NOT_SERVED: the model has no {operation}"));
        }
    }
    for (operation, error, _) in tables.errors {
        let has = operations
            .iter()
            .filter(|known| *operation == "*" || *known == operation)
            .any(|known| model.errors(known).contains(error));
        if !has {
            stale.push(format!("ERRORS: the model has no {error} of {operation}"));
        }
    }
    stale
}

/// Tests that the table of errors names and that are in no source.
fn missing_tests(tables: &Tables) -> Vec<String> {
    let mut sources = String::new();
    for folder in ["crates", "tests"] {
        read_sources(&source_root().join(folder), &mut sources);
    }
    let named = tables.errors.iter().filter_map(|(operation, error, how)| match how {
        How::Test(test) => Some((operation, error, *test)),
        How::Here(_) | How::Not(_) => None,
    });
    let missing = named.filter(|(_, _, test)| !sources.contains(&format!("fn {test}()")));
    missing.map(|(operation, error, test)| format!("ERRORS, {operation} {error}: no test is named {test}")).collect()
}

fn read_sources(folder: &Path, sources: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            read_sources(&entry.path(), sources);
        } else if entry.path().extension().is_some_and(|extension| extension == "rs") {
            sources.push_str(&fs::read_to_string(entry.path()).unwrap());
        }
    }
}
