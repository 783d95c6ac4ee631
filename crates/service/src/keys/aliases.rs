//! Aliases.

use state::{Applied, Command, EncryptionKey, KeyRefusal};
use types::{AliasName, ApiError, ErrorCode, KeyId, Namespace};

use super::listings::page;
use super::marker::{self, Listing};
use super::{arn_of_alias, find, refusal, unnamed_default};
use crate::api::keys::{
    AliasListEntry, CreateAliasInput, DeleteAliasInput, ListAliasesInput, ListAliasesOutput, UpdateAliasInput,
};
use crate::authorize::{Action, Authorized};
use crate::door::{Plan, Read, UseCase, View, Write};
use crate::secrets::DEFAULT_ALIAS;
use crate::shape::keys::{self as shape, AliasRequest, DeleteAliasRequest, ListAliasesRequest, no_alias};

/// Gives a key a name that is free.
pub(crate) struct CreateAlias;

impl UseCase for CreateAlias {
    type Input = CreateAliasInput;
    type Request = AliasRequest;
    type Output = ();
    const ACTION: Action = Action::CreateAlias;

    fn parse(input: Self::Input, namespace: &Namespace) -> Result<Self::Request, ApiError> {
        shape::create_alias(input, namespace)
    }
}

impl Write for CreateAlias {
    fn plan(request: &Authorized<'_, Self::Request>, view: &View<'_>) -> Result<Plan<Self::Output>, ApiError> {
        let key = find(&request.key, view)?.id;
        let (namespace, name) = (view.namespace.clone(), request.name.clone());
        Ok(Plan::Propose(Command::CreateAlias(state::CreateAlias { namespace, name, key })))
    }

    fn output(applied: Applied, _: &Self::Request, _: &View<'_>) -> Option<Self::Output> {
        done(&applied)
    }

    fn refused_by_key(what: KeyRefusal, request: &Self::Request, view: &View<'_>) -> ApiError {
        refused(what, request, Self::ACTION, view)
    }
}

/// Gives a name to another key.
pub(crate) struct UpdateAlias;

impl UseCase for UpdateAlias {
    type Input = UpdateAliasInput;
    type Request = AliasRequest;
    type Output = ();
    const ACTION: Action = Action::UpdateAlias;

    fn parse(input: Self::Input, namespace: &Namespace) -> Result<Self::Request, ApiError> {
        shape::update_alias(input, namespace)
    }
}

impl Write for UpdateAlias {
    fn plan(request: &Authorized<'_, Self::Request>, view: &View<'_>) -> Result<Plan<Self::Output>, ApiError> {
        must_be_there(&request.name, Self::ACTION, view)?;
        let key = find(&request.key, view)?.id;
        let (namespace, name) = (view.namespace.clone(), request.name.clone());
        Ok(Plan::Propose(Command::UpdateAlias(state::UpdateAlias { namespace, name, key })))
    }

    fn output(applied: Applied, _: &Self::Request, _: &View<'_>) -> Option<Self::Output> {
        done(&applied)
    }

    fn refused_by_key(what: KeyRefusal, request: &Self::Request, view: &View<'_>) -> ApiError {
        refused(what, request, Self::ACTION, view)
    }
}

/// Takes a name away.
pub(crate) struct DeleteAlias;

impl UseCase for DeleteAlias {
    type Input = DeleteAliasInput;
    type Request = DeleteAliasRequest;
    type Output = ();
    const ACTION: Action = Action::DeleteAlias;

    fn parse(input: Self::Input, namespace: &Namespace) -> Result<Self::Request, ApiError> {
        shape::delete_alias(input, namespace)
    }
}

impl Write for DeleteAlias {
    fn plan(request: &Authorized<'_, Self::Request>, view: &View<'_>) -> Result<Plan<Self::Output>, ApiError> {
        must_be_there(&request.name, Self::ACTION, view)?;
        let (namespace, name) = (view.namespace.clone(), request.name.clone());
        Ok(Plan::Propose(Command::DeleteAlias(state::DeleteAlias { namespace, name })))
    }

    fn output(applied: Applied, _: &Self::Request, _: &View<'_>) -> Option<Self::Output> {
        done(&applied)
    }

    fn refused_by_key(what: KeyRefusal, _: &Self::Request, view: &View<'_>) -> ApiError {
        // Of all refusals only the one of a reserved name is given here, which names no key.
        refusal(what, KeyId::default(), Self::ACTION, view)
    }
}

/// Lists the aliases of the account in the region, or of one key.
pub(crate) struct ListAliases;

impl UseCase for ListAliases {
    type Input = ListAliasesInput;
    type Request = ListAliasesRequest;
    type Output = ListAliasesOutput;
    const ACTION: Action = Action::ListAliases;

    fn parse(input: Self::Input, namespace: &Namespace) -> Result<Self::Request, ApiError> {
        shape::list_aliases(input, namespace)
    }
}

impl Read for ListAliases {
    async fn act(request: Authorized<'_, Self::Request>, view: &View<'_>) -> Result<Self::Output, ApiError> {
        let key = request.key.as_ref().map(|key| find(key, view)).transpose()?.map(|key| key.id);
        let of = [key.as_ref().map_or(&[][..], |key| &key.0[..])];
        let after = match &request.page.marker {
            Some(marker) => Some(place(&marker::open(view, Listing::Aliases, &of, marker)?)?),
            None => None,
        };
        let namespace = &view.namespace;
        let state = view.state();
        let aliases: Box<dyn Iterator<Item = _> + Send> = match &key {
            None => Box::new(state.aliases(namespace, after.as_ref())),
            Some(key) => {
                let after = after.as_ref().map(|name| (namespace, name));
                Box::new(state.aliases_of(key, after).filter(|alias| alias.namespace == *namespace))
            }
        };
        let listed = aliases.map(|alias| AliasListEntry {
            alias_name: alias.name.as_str().to_owned(),
            alias_arn: arn_of_alias(&alias.name, namespace),
            target_key_id: alias.key.to_string(),
            creation_date: alias.created,
            last_updated_date: alias.updated,
        });
        let unnamed = unnamed_default(view)
            .filter(|default| key.is_none_or(|key| key == default.id))
            .filter(|_| after.as_ref().is_none_or(|after| after.as_str() < DEFAULT_ALIAS))
            .map(|key| default_entry(key, namespace));
        let (aliases, last) = page(merged(listed, unnamed), request.page.limit);
        Ok(ListAliasesOutput {
            next_marker: last.map(|last| marker::seal(view, Listing::Aliases, &of, last.alias_name.as_bytes())),
            aliases,
        })
    }
}

/// Puts one more alias into its place among those in order.
fn merged(
    listed: impl Iterator<Item = AliasListEntry>,
    mut more: Option<AliasListEntry>,
) -> impl Iterator<Item = AliasListEntry> {
    let mut listed = listed.peekable();
    std::iter::from_fn(move || match (listed.peek(), &more) {
        (Some(next), Some(one)) if one.alias_name < next.alias_name => more.take(),
        (Some(_), _) => listed.next(),
        (None, _) => more.take(),
    })
}

fn default_entry(key: &EncryptionKey, namespace: &Namespace) -> AliasListEntry {
    AliasListEntry {
        alias_name: DEFAULT_ALIAS.to_owned(),
        alias_arn: format!("arn:aws:kms:{}:{}:{DEFAULT_ALIAS}", namespace.region, namespace.account),
        target_key_id: key.id.to_string(),
        creation_date: key.created,
        last_updated_date: key.created,
    }
}

fn place(position: &[u8]) -> Result<AliasName, ApiError> {
    let name = str::from_utf8(position).ok().and_then(|name| AliasName::parse(name).ok());
    name.ok_or_else(marker::invalid)
}

/// Refuses an alias that is not there. Those of the service are there, and yet nobody's to change.
fn must_be_there(name: &AliasName, action: Action, view: &View<'_>) -> Result<(), ApiError> {
    if name.is_reserved() {
        return Err(refusal(KeyRefusal::AliasReserved, KeyId::default(), action, view));
    }
    let found = view.state().alias(&view.namespace, name);
    found.map(drop).ok_or_else(|| no_alias(&view.namespace, name))
}

fn refused(what: KeyRefusal, request: &AliasRequest, action: Action, view: &View<'_>) -> ApiError {
    if what == KeyRefusal::AliasExists {
        let arn = arn_of_alias(&request.name, &view.namespace);
        return ApiError::new(ErrorCode::AlreadyExists, format!("An alias with the name {arn} already exists"));
    }
    super::refusal_of(what, &request.key, action, view)
}

fn done(applied: &Applied) -> Option<()> {
    matches!(applied, Applied::KeyChanged { .. }).then_some(())
}
