//! The conformance sheet of `proto/README.md`.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use testkit::provision::source_root;

use super::botocore::{Model, Place};
use super::checks::{Seen, answer_names};
use super::tables::{How, Tables, reason};

/// Writes the section instead of comparing it.
pub(super) const REWRITE_VARIABLE: &str = "CONCLAVE_REWRITE_CONFORMANCE";

/// The sheet: a row for an operation, and the numbered reasons for all that is not exercised.
pub(super) fn render(model: &Model, tables: &Tables, seen: &BTreeMap<String, Seen>) -> String {
    let mut reasons = Reasons::default();
    let mut rows = String::new();
    for operation in model.operations() {
        let row = match seen.get(operation).filter(|seen| seen.served) {
            Some(_) => {
                let errors = model.errors(operation).into_iter().map(|error| {
                    let not = match tables.how(operation, error) {
                        Some(How::Not(reason)) => Some(*reason),
                        _ => None,
                    };
                    (error.to_owned(), not)
                });
                let request = top(model.places(model.request(operation)).iter().map(Place::name), |name| {
                    let ignored = reason(tables.ignored, operation, name);
                    ignored.or_else(|| reason(tables.not_used, operation, name))
                });
                let answer = top(answer_names(model, operation), |name| reason(tables.not_shown, operation, name));
                let cells = [reasons.cell(request), reasons.cell(answer), reasons.cell(errors)];
                format!("| `{operation}` | {} |\n", cells.join(" | "))
            }
            None => {
                let why = tables.not_served.iter().find(|(listed, _)| *listed == operation).map(|(_, why)| *why);
                format!("| `{operation}` | not served: {} | | |\n", why.unwrap_or_default())
            }
        };
        rows.push_str(&row);
    }
    let mut sheet = "| operation | members of the request | members of the answer | errors |\n|---|---|---|---|\n"
        .to_owned()
        + &rows;
    if !reasons.0.is_empty() {
        sheet.push_str("\nNot exercised, because:\n\n");
        for (number, reason) in reasons.0.iter().enumerate() {
            sheet.push_str(&format!("{}. {reason}\n", number + 1));
        }
    }
    sheet
}

/// Reasons in the order in which they are first needed.
#[derive(Default)]
struct Reasons(Vec<&'static str>);

impl Reasons {
    /// What is exercised, then what is not, with the number of the reason.
    fn cell(&mut self, entries: impl IntoIterator<Item = (String, Option<&'static str>)>) -> String {
        let (mut exercised, mut not) = (Vec::new(), Vec::new());
        for (name, reason) in entries {
            match reason {
                None => exercised.push(format!("`{name}`")),
                Some(reason) => {
                    let known = self.0.iter().position(|known| *known == reason);
                    let number = known.unwrap_or_else(|| {
                        self.0.push(reason);
                        self.0.len() - 1
                    });
                    not.push(format!("`{name}` ({})", number + 1));
                }
            }
        }
        let not = (!not.is_empty()).then(|| format!("*not:* {}", not.join(" ")));
        let exercised = (!exercised.is_empty()).then(|| exercised.join(" "));
        exercised.into_iter().chain(not).collect::<Vec<_>>().join("<br>")
    }
}

/// The members of the top, and those within that are not exercised although the one above is.
fn top(
    names: impl IntoIterator<Item = String>,
    reason: impl Fn(&str) -> Option<&'static str>,
) -> Vec<(String, Option<&'static str>)> {
    let mut shown: Vec<(String, Option<&'static str>)> = Vec::new();
    for name in names {
        let why = reason(&name);
        let above = name.rsplit_once('.').map(|(above, _)| above);
        let is_new = shown.iter().all(|(known, _)| *known != name);
        if is_new && above.is_none_or(|above| why.is_some() && reason(above).is_none()) {
            shown.push((name, why));
        }
    }
    shown.sort_by(|(one, _), (other, _)| one.cmp(other));
    shown
}

/// Compares the section of the file with the sheet, or writes it when asked to. Answers what is wrong.
pub(super) fn compare(tables: &Tables, sheet: &str) -> Option<String> {
    let begin = format!("<!-- {}: begin -->\n", tables.sheet);
    let end = format!("<!-- {}: end -->\n", tables.sheet);
    let path = path();
    let text = fs::read_to_string(&path).unwrap();
    let section = text.split_once(&begin).and_then(|(before, rest)| Some((before, rest.split_once(&end)?)));
    let Some((before, (committed, after))) = section else {
        return Some(format!("proto/README.md has no section between {begin:?} and {end:?}"));
    };
    let wanted = format!("\n{sheet}\n");
    if committed == wanted {
        return None;
    }
    if std::env::var_os(REWRITE_VARIABLE).is_some() {
        fs::write(&path, format!("{before}{begin}{wanted}{end}{after}")).unwrap();
        return None;
    }
    let old: Vec<&str> = committed.lines().collect();
    let new: Vec<&str> = wanted.lines().collect();
    let gone = old.iter().filter(|line| !new.contains(line)).map(|line| format!("- {line}"));
    let come = new.iter().filter(|line| !old.contains(line)).map(|line| format!("+ {line}"));
    let changes: Vec<String> = gone.chain(come).collect();
    Some(format!(
        "the {} in proto/README.md is not that of this run; {REWRITE_VARIABLE}=1 cargo xtask test \
         model:: writes it:\n{}",
        tables.sheet,
        changes.join("\n")
    ))
}

fn path() -> PathBuf {
    source_root().join("proto/README.md")
}
