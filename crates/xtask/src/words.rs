//! Lines that do not belong in the tree: paths of one machine, hosts of package registries.

use std::fs;
use std::path::{Path, PathBuf};

use crate::step::root;

/// Folders that are not the tree's.
const NOT_OURS: &[&str] = &[".git", "target"];
/// Files that name registries because a tool writes them.
const WRITTEN_BY_TOOLS: &[&str] = &["Cargo.lock"];

/// Split, so that this file may be searched too.
fn unwanted() -> Vec<String> {
    let hosts =
        [("index.crates", "io"), ("static.crates", "io"), ("files.pythonhosted", "org"), ("registry.npmjs", "org")];
    let mut words: Vec<String> = hosts.iter().map(|(host, domain)| format!("{host}.{domain}")).collect();
    words.extend(["pypi", "deb.debian"].map(|host| format!("{host}.org/")));
    words.extend(["/root", "/home", "/work"].map(|folder| format!("{folder}/")));
    words
}

fn files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() && !NOT_OURS.iter().any(|folder| name == *folder) {
            files(&entry.path(), found);
        } else if kind.is_file() && !WRITTEN_BY_TOOLS.iter().any(|file| name == *file) {
            found.push(entry.path());
        }
    }
}

#[test]
fn no_line_names_a_machine_or_a_registry_host() {
    let mut found = Vec::new();
    files(&root(), &mut found);
    assert!(found.len() > 20, "the tree was not found");
    let unwanted = unwanted();
    let mut wrong = Vec::new();
    for file in found {
        let Ok(text) = fs::read_to_string(&file) else { continue };
        for (number, line) in text.lines().enumerate() {
            if unwanted.iter().any(|word| line.contains(word.as_str())) {
                wrong.push(format!("{}:{}: {line}", file.display(), number + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_top_level_holds_what_was_agreed() {
    let agreed = ["Cargo.toml", "Cargo.lock", "LICENSE", "README.md", "crates", "deploy", "proto", "target", "tests"];
    for entry in fs::read_dir(root()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(name.starts_with('.') || agreed.contains(&name.as_str()), "{name} stands at the top level");
    }
}
