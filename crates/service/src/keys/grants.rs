//! Grants: permissions to use a key that stand beside its policy. They are kept here and judged where everything is.

use std::collections::BTreeMap;
use std::sync::Arc;

use state::{Applied, Grant, GrantId, KeyChange, KeyRefusal, NewGrant};
use types::{ApiError, ErrorCode, KeyId, Namespace};

use super::listings::page;
use super::marker::{self, Listing};
use super::{arn_of, change, find, refusal, refusal_of, usable};
use crate::api::keys::{
    CreateGrantInput, CreateGrantOutput, GrantConstraints, GrantListEntry, ListGrantsInput, ListGrantsOutput,
    ListRetirableGrantsInput, RetireGrantInput, RevokeGrantInput,
};
use crate::authorize::{Action, Authorized};
use crate::door::{Plan, Read, UseCase, View, Write};
use crate::shape::keys::{
    self as shape, CreateGrantRequest, ListGrantsRequest, ListRetirableGrantsRequest, RetireGrantRequest, RetiredGrant,
    RevokeGrantRequest, no_grant, no_such_token,
};

/// Lets somebody use a key.
pub(crate) struct CreateGrant;

impl UseCase for CreateGrant {
    type Input = CreateGrantInput;
    type Request = CreateGrantRequest;
    type Output = CreateGrantOutput;
    const ACTION: Action = Action::CreateGrant;

    fn parse(input: Self::Input, namespace: &Namespace) -> Result<Self::Request, ApiError> {
        shape::create_grant(input, namespace)
    }
}

impl Write for CreateGrant {
    fn plan(request: &Authorized<'_, Self::Request>, view: &View<'_>) -> Result<Plan<Self::Output>, ApiError> {
        let key = usable(&request.key, Self::ACTION, view)?;
        not_if_dry(request.dry_run)?;
        let grant = NewGrant { id: GrantId(key_service::random()), terms: request.terms.clone() };
        Ok(change(key, KeyChange::Grant(grant)))
    }

    fn output(applied: Applied, _: &Self::Request, view: &View<'_>) -> Option<Self::Output> {
        let Applied::Granted { key, grant } = applied else { return None };
        Some(CreateGrantOutput { grant_token: marker::grant_token(view, key, grant), grant_id: grant.to_string() })
    }

    fn refused_by_key(refusal: KeyRefusal, request: &Self::Request, view: &View<'_>) -> ApiError {
        refusal_of(refusal, &request.key, Self::ACTION, view)
    }
}

/// Lists the grants of a key, the oldest first.
pub(crate) struct ListGrants;

impl UseCase for ListGrants {
    type Input = ListGrantsInput;
    type Request = ListGrantsRequest;
    type Output = ListGrantsOutput;
    const ACTION: Action = Action::ListGrants;

    fn parse(input: Self::Input, namespace: &Namespace) -> Result<Self::Request, ApiError> {
        shape::list_grants(input, namespace)
    }
}

impl Read for ListGrants {
    async fn act(request: Authorized<'_, Self::Request>, view: &View<'_>) -> Result<Self::Output, ApiError> {
        let key = find(&request.key, view)?;
        let only = request.grant.as_ref().map(|grant| grant.as_ref().map_err(ApiError::clone)).transpose()?;
        if let Some(id) = only {
            view.state().grant(&key.id, id).ok_or_else(|| no_grant(id))?;
        }
        let grantee = request.grantee.as_deref();
        let of = [
            &key.id.0[..],
            only.map_or(&[][..], |id| &id.0[..]),
            grantee.unwrap_or_default().as_bytes(),
            &[u8::from(request.of_service)],
        ];
        let open = |marker: &String| marker::open_number(view, Listing::Grants, &of, marker);
        let after = request.page.marker.as_ref().map(open).transpose()?;
        let is_listed = |grant: &&Arc<Grant>| {
            !request.of_service
                && only.is_none_or(|id| grant.id == *id)
                && grantee.is_none_or(|grantee| grant.terms.grantee.as_ref() == grantee)
        };
        let grants = view.state().grants_of(&key.id, after).filter(is_listed);
        let (grants, last) = page(grants, request.page.limit);
        Ok(ListGrantsOutput {
            grants: grants.into_iter().map(|grant| entry(grant, &view.namespace)).collect(),
            next_marker: last.map(|grant| marker::seal(view, Listing::Grants, &of, &grant.uid.to_le_bytes())),
        })
    }
}

/// Lists the grants of all keys of the account in the region that somebody may retire.
pub(crate) struct ListRetirableGrants;

impl UseCase for ListRetirableGrants {
    type Input = ListRetirableGrantsInput;
    type Request = ListRetirableGrantsRequest;
    type Output = ListGrantsOutput;
    const ACTION: Action = Action::ListRetirableGrants;

    fn parse(input: Self::Input, _: &Namespace) -> Result<Self::Request, ApiError> {
        shape::list_retirable_grants(input)
    }
}

impl Read for ListRetirableGrants {
    async fn act(request: Authorized<'_, Self::Request>, view: &View<'_>) -> Result<Self::Output, ApiError> {
        let retiring = request.retiring.as_deref().unwrap_or_default();
        let of = [retiring.as_bytes()];
        let open = |marker: &String| marker::open_number(view, Listing::RetirableGrants, &of, marker);
        let after = request.page.marker.as_ref().map(open).transpose()?;
        let is_here = |grant: &&Arc<Grant>| {
            view.state().encryption_key(&grant.key).is_some_and(|key| key.is_found_in(&view.namespace))
        };
        let grants = view.state().retirable_grants(retiring, after).filter(is_here);
        let (grants, last) = page(grants, request.page.limit);
        Ok(ListGrantsOutput {
            grants: grants.into_iter().map(|grant| entry(grant, &view.namespace)).collect(),
            next_marker: last.map(|grant| marker::seal(view, Listing::RetirableGrants, &of, &grant.uid.to_le_bytes())),
        })
    }
}

/// Ends a grant.
pub(crate) struct RevokeGrant;

impl UseCase for RevokeGrant {
    type Input = RevokeGrantInput;
    type Request = RevokeGrantRequest;
    type Output = ();
    const ACTION: Action = Action::RevokeGrant;

    fn parse(input: Self::Input, namespace: &Namespace) -> Result<Self::Request, ApiError> {
        shape::revoke_grant(input, namespace)
    }
}

impl Write for RevokeGrant {
    fn plan(request: &Authorized<'_, Self::Request>, view: &View<'_>) -> Result<Plan<Self::Output>, ApiError> {
        let key = find(&request.key, view)?;
        let grant = *request.grant.as_ref().map_err(ApiError::clone)?;
        view.state().grant(&key.id, &grant).ok_or_else(|| no_grant(grant))?;
        not_if_dry(request.dry_run)?;
        Ok(change(key, KeyChange::Revoke(grant)))
    }

    fn output(applied: Applied, _: &Self::Request, _: &View<'_>) -> Option<Self::Output> {
        matches!(applied, Applied::KeyChanged { .. }).then_some(())
    }

    fn refused_by_key(refusal: KeyRefusal, request: &Self::Request, view: &View<'_>) -> ApiError {
        refusal_of(refusal, &request.key, Self::ACTION, view)
    }
}

/// Ends a grant that is no longer needed.
pub(crate) struct RetireGrant;

impl UseCase for RetireGrant {
    type Input = RetireGrantInput;
    type Request = RetireGrantRequest;
    type Output = ();
    const ACTION: Action = Action::RetireGrant;

    fn parse(input: Self::Input, namespace: &Namespace) -> Result<Self::Request, ApiError> {
        shape::retire_grant(input, namespace)
    }
}

impl Write for RetireGrant {
    fn plan(request: &Authorized<'_, Self::Request>, view: &View<'_>) -> Result<Plan<Self::Output>, ApiError> {
        let (key, grant) = retired(request, view)?;
        not_if_dry(request.dry_run)?;
        let key = view.state().encryption_key(&key).ok_or_else(|| no_grant(grant))?;
        Ok(change(key, KeyChange::Retire(grant)))
    }

    fn output(applied: Applied, _: &Self::Request, _: &View<'_>) -> Option<Self::Output> {
        matches!(applied, Applied::KeyChanged { .. }).then_some(())
    }

    fn refused_by_key(what: KeyRefusal, request: &Self::Request, view: &View<'_>) -> ApiError {
        match retired(request, view) {
            Ok((key, _)) => refusal(what, key, Self::ACTION, view),
            Err(error) => error,
        }
    }
}

/// The grant that a request to retire one names, if it is there.
fn retired(request: &RetireGrantRequest, view: &View<'_>) -> Result<(KeyId, GrantId), ApiError> {
    let (key, grant) = match &request.grant {
        RetiredGrant::Token(token) => marker::grant_of_token(view, token).ok_or_else(no_such_token)?,
        RetiredGrant::Named { key, grant } => (find(key, view)?.id, *grant.as_ref().map_err(ApiError::clone)?),
    };
    view.state().grant(&key, &grant).ok_or_else(|| no_grant(grant))?;
    Ok((key, grant))
}

/// Ends a dry run that would have worked.
fn not_if_dry(dry_run: bool) -> Result<(), ApiError> {
    if dry_run { Err(ErrorCode::DryRunOperation.into()) } else { Ok(()) }
}

fn entry(grant: &Grant, namespace: &Namespace) -> GrantListEntry {
    let terms = &grant.terms;
    let issuer = grant.issuer.account().unwrap_or(namespace.account);
    let texts = |pairs: &BTreeMap<Arc<str>, Arc<str>>| {
        pairs.iter().map(|(key, value)| (key.as_ref().to_owned(), value.as_ref().to_owned())).collect()
    };
    let constraints = GrantConstraints {
        encryption_context_subset: terms.constraints.subset.as_ref().map(texts),
        encryption_context_equals: terms.constraints.equals.as_ref().map(texts),
    };
    let has_constraints =
        constraints.encryption_context_subset.is_some() || constraints.encryption_context_equals.is_some();
    GrantListEntry {
        key_id: arn_of(grant.key, namespace),
        grant_id: grant.id.to_string(),
        name: terms.name.as_deref().map(str::to_owned),
        creation_date: grant.created,
        grantee_principal: terms.grantee.as_ref().to_owned(),
        retiring_principal: terms.retiring.as_deref().map(str::to_owned),
        issuing_account: format!("arn:aws:iam::{issuer}:root"),
        operations: terms.operations.iter().map(|operation| operation.name().to_owned()).collect(),
        constraints: Some(constraints).filter(|_| has_constraints),
    }
}
