//! AWS's own description of the API, as botocore ships it.

use anyhow::{Context, Result};
use serde_json::Value;
use testkit::Cluster;

const PROGRAM: &str = "
import json, sys, botocore.loaders
print(json.dumps(botocore.loaders.Loader().load_service_model(sys.argv[1], 'service-2')))
";

/// The model.
#[derive(Clone)]
pub(super) struct Model(Value);

/// A member of a structure, or the entries of a list of scalars.
pub(super) struct Place<'a> {
    pub(super) steps: Vec<Step<'a>>,
    /// The structure that has the member.
    pub(super) within: Vec<&'a Value>,
    pub(super) shape: &'a Value,
    pub(super) required: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step<'a> {
    Member(&'a str),
    Entry,
}

impl Place<'_> {
    /// `Filters.Key`: the names on the way.
    pub(super) fn name(&self) -> String {
        let names = self.steps.iter().filter_map(|step| match step {
            Step::Member(name) => Some(*name),
            Step::Entry => None,
        });
        names.collect::<Vec<_>>().join(".")
    }

    /// `filters.1.member.key`: as AWS's errors have it. Of the entries of a list they name the list.
    pub(super) fn path(&self) -> String {
        let mut path = String::new();
        for (number, step) in self.steps.iter().enumerate() {
            match step {
                Step::Member(name) => {
                    let first = name.chars().next().map(|c| c.to_ascii_lowercase());
                    path.extend((!path.is_empty()).then_some('.').into_iter().chain(first));
                    path.push_str(&name[1..]);
                }
                Step::Entry if number + 1 < self.steps.len() => path.push_str(".1.member"),
                Step::Entry => {}
            }
        }
        path
    }

    pub(super) fn is_entries(&self) -> bool {
        self.steps.last() == Some(&Step::Entry)
    }
}

impl Model {
    /// Reads the model of `service`.
    pub(super) fn read(cluster: &Cluster, service: &str) -> Result<Self> {
        let model = cluster.python(&["-c", PROGRAM, service])?.run()?.json()?;
        anyhow::ensure!(model["operations"].is_object() && model["shapes"].is_object(), "not a model");
        Ok(Self(model))
    }

    /// The same model with the change of `edit`.
    pub(super) fn with(&self, edit: impl FnOnce(&mut Value)) -> Self {
        let mut changed = self.clone();
        edit(&mut changed.0);
        changed
    }

    pub(super) fn operations(&self) -> Vec<&str> {
        let mut names: Vec<&str> =
            self.0["operations"].as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names
    }

    /// The structure of a request.
    pub(super) fn request(&self, operation: &str) -> &Value {
        self.shape(&self.0["operations"][operation]["input"])
    }

    /// The structure of an answer; null for an operation that answers nothing.
    pub(super) fn answer(&self, operation: &str) -> &Value {
        self.shape(&self.0["operations"][operation]["output"])
    }

    pub(super) fn errors(&self, operation: &str) -> Vec<&str> {
        let errors = self.0["operations"][operation]["errors"].as_array().into_iter().flatten();
        let mut errors: Vec<&str> = errors.filter_map(|error| error["shape"].as_str()).collect();
        errors.sort_unstable();
        errors
    }

    /// Whether any operation has this error.
    pub(super) fn is_modelled(&self, error: &str) -> bool {
        self.operations().iter().any(|operation| self.errors(operation).contains(&error))
    }

    /// The shape that `{"shape": NAME}` refers to.
    pub(super) fn shape(&self, reference: &Value) -> &Value {
        match reference["shape"].as_str() {
            Some(name) => &self.0["shapes"][name],
            None => &Value::Null,
        }
    }

    /// Every place of a structure, those within lists and structures too.
    pub(super) fn places<'a>(&'a self, structure: &'a Value) -> Vec<Place<'a>> {
        let mut places = Vec::new();
        self.collect(structure, &[], &[], &mut places);
        places
    }

    fn collect<'a>(
        &'a self,
        structure: &'a Value,
        steps: &[Step<'a>],
        within: &[&'a Value],
        places: &mut Vec<Place<'a>>,
    ) {
        let required: Vec<&str> =
            structure["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let within = [within, &[structure]].concat();
        for (name, reference) in members(structure) {
            let steps = [steps, &[Step::Member(name)]].concat();
            let shape = self.shape(reference);
            let required = required.contains(&name);
            places.push(Place { steps: steps.clone(), within: within.clone(), shape, required });
            match shape["type"].as_str() {
                Some("structure") => self.collect(shape, &steps, &within, places),
                Some("list") => {
                    let entry = self.shape(&shape["member"]);
                    let steps = [steps.as_slice(), &[Step::Entry]].concat();
                    if entry["type"] == "structure" {
                        self.collect(entry, &steps, &within, places);
                    } else {
                        places.push(Place { steps, within: within.clone(), shape: entry, required: false });
                    }
                }
                _ => {}
            }
        }
    }

    /// The members of a request that SDKs fill in by themselves.
    pub(super) fn tokens<'a>(&self, structure: &'a Value) -> Vec<&'a str> {
        members(structure).filter(|(_, member)| member["idempotencyToken"] == true).map(|(name, _)| name).collect()
    }

    /// The member of a structure with this name.
    pub(super) fn member<'a>(&'a self, structure: &'a Value, name: &str) -> Result<&'a Value> {
        let reference = structure["members"].get(name).with_context(|| format!("the model has no member {name}"))?;
        Ok(self.shape(reference))
    }
}

/// The members of a structure and the references to their shapes.
pub(super) fn members(structure: &Value) -> impl Iterator<Item = (&str, &Value)> {
    structure["members"].as_object().into_iter().flatten().map(|(name, reference)| (name.as_str(), reference))
}
