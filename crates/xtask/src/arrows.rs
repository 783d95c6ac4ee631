//! The arrows between our crates, and who may name the libraries that are confined to a few.
//!
//! Arrows of tests and build scripts are not looked at: a test may use what it likes.

use std::collections::BTreeSet;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

use crate::step::root;

/// What each crate may use. `types` may be used everywhere; crates of [`FREE`] may use everything.
const TABLE: &[(&str, &[&str])] = &[
    ("types", &[]),
    ("policy", &[]),
    ("state", &["policy"]),
    ("key-service", &[]),
    ("proto", &[]),
    ("net", &[]),
    ("storage", &["state", "key-service"]),
    ("consensus", &["state", "storage", "proto", "net"]),
    ("rotation", &[]),
    ("rotators", &["rotation"]),
    ("audit", &[]),
    (
        "service",
        &["policy", "state", "key-service", "proto", "net", "storage", "consensus", "rotation", "rotators", "audit"],
    ),
    ("grpc", &["service", "proto", "net"]),
    ("aws", &["service", "proto", "net"]),
    ("console", &["service", "proto", "net"]),
    ("client", &["proto"]),
];

/// The composition root, and what is for tests and developers.
const FREE: &[&str] = &["conclave", "testkit", "xtask", "tests"];

/// Libraries that only some of our crates may name.
const CONFINED: &[(&str, &[&str])] = &[
    ("openraft", &["consensus"]),
    ("sled", &["storage"]),
    ("prost", &["proto", "grpc", "consensus", "storage"]),
    ("prost-types", &["proto", "grpc", "consensus", "storage"]),
];

fn metadata() -> Metadata {
    MetadataCommand::new().current_dir(root()).no_deps().exec().unwrap()
}

/// The names of what a package is built with.
fn named(package: &Package) -> impl Iterator<Item = &str> {
    let built = package.dependencies.iter().filter(|dependency| dependency.kind != DependencyKind::Development);
    built.map(|dependency| dependency.name.as_str())
}

#[test]
fn every_arrow_between_our_crates_is_in_the_table() {
    let metadata = metadata();
    let ours: BTreeSet<&str> = metadata.packages.iter().map(|package| package.name.as_str()).collect();
    let mut wrong = Vec::new();
    for package in &metadata.packages {
        let name = package.name.as_str();
        if FREE.contains(&name) {
            continue;
        }
        let Some((_, may_use)) = TABLE.iter().find(|(known, _)| *known == name) else {
            wrong.push(format!("{name} is not in the table"));
            continue;
        };
        for other in named(package).filter(|other| ours.contains(other)) {
            if other != "types" && !may_use.contains(&other) {
                wrong.push(format!("{name} -> {other}"));
            }
        }
    }
    assert!(wrong.is_empty(), "arrows that are not in the table: {wrong:#?}");
}

#[test]
fn confined_libraries_are_named_only_where_they_may_be() {
    let mut wrong = Vec::new();
    for package in &metadata().packages {
        for (library, may_name) in CONFINED {
            let name = package.name.as_str();
            if named(package).any(|other| other == *library) && !may_name.contains(&name) {
                wrong.push(format!("{name} -> {library}"));
            }
        }
    }
    assert!(wrong.is_empty(), "libraries named outside their crates: {wrong:#?}");
}

#[test]
fn every_crate_is_called_like_its_folder() {
    for package in &metadata().packages {
        let folder = package.manifest_path.parent().unwrap().file_name().unwrap();
        assert_eq!(package.name.as_str(), folder, "{}", package.manifest_path);
    }
}
