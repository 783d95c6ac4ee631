//! What a policy is, once it has been read.

use crate::condition::Condition;
use crate::grammar::{self, Malformed};
use crate::pattern::{ActionPattern, ResourcePattern};
use crate::principal::PrincipalPattern;

/// What a document is attached to, which decides the elements that it must and must not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An identity, a boundary or a session: no `Principal`, a `Resource`.
    Identity,
    /// A secret or a key: a `Principal` and a `Resource`.
    Resource,
    /// A role: a `Principal`, no `Resource`.
    Trust,
}

/// The version of the language. Variables are literal text in the older one, which is meant where none is named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Version {
    /// `2008-10-17`.
    #[default]
    V2008,
    /// `2012-10-17`.
    V2012,
}

/// A policy document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The version of the language.
    pub version: Version,
    /// `Id`.
    pub id: Option<String>,
    /// At least one.
    pub statements: Vec<Statement>,
}

impl Policy {
    /// The longest list of statements.
    pub const STATEMENTS: usize = 1_000;

    /// Reads a document. The caller bounds the text's length, which differs from one kind of policy to the next.
    ///
    /// # Errors
    /// What is wrong with the document, and where.
    pub fn parse(text: &str, kind: Kind) -> Result<Self, Malformed> {
        grammar::parse(text, kind)
    }
}

/// One statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// `Sid`, unique in its document.
    pub sid: Option<String>,
    /// What it does to those whom it matches.
    pub effect: Effect,
    /// Whom it is about; only in policies of resources and roles.
    pub principals: Option<Principals>,
    /// What it is about.
    pub actions: Actions,
    /// What it is on; in all policies but those of roles.
    pub resources: Option<Resources>,
    /// All must hold. In the order of the text.
    pub conditions: Vec<Condition>,
}

/// `Effect`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// `Allow`.
    Allow,
    /// `Deny`.
    Deny,
}

/// `Principal` or `NotPrincipal`; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principals {
    /// Any of these.
    Are(Vec<PrincipalPattern>),
    /// Everybody but these.
    AreNot(Vec<PrincipalPattern>),
}

/// `Action` or `NotAction`; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actions {
    /// Any of these.
    Are(Vec<ActionPattern>),
    /// Everything but these.
    AreNot(Vec<ActionPattern>),
}

/// `Resource` or `NotResource`; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resources {
    /// Any of these.
    Are(Vec<ResourcePattern>),
    /// Everything but these.
    AreNot(Vec<ResourcePattern>),
}
