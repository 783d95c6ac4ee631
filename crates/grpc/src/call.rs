//! One call: who makes it, in which region, and under which id it is answered.

use std::sync::Arc;
use std::time::Instant;

use net::ConnectionInfo;
use proto::tonic::metadata::MetadataMap;
use proto::tonic::{Extensions, Request, Response, Status};
use proto::{REGION_METADATA, to_wire_error};
use service::{Caller, Credential};
use types::consistency::CONSISTENCY_HEADER;
use types::{ApiError, ErrorCode, Region};
use uuid::Uuid;

/// The id of a request; [`crate::guard`] puts it among the request's extensions.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(Arc<str>);

impl RequestId {
    pub(crate) fn random() -> Self {
        Self(Uuid::new_v4().to_string().into())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A call whose sender claims to be somebody; the service confirms it.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) caller: Caller,
}

impl Call {
    /// Takes a request apart.
    ///
    /// # Errors
    /// MissingAuthenticationToken without a client certificate, Validation for a region that is none.
    pub(crate) fn begin<M>(request: Request<M>, regions: &[Region]) -> Result<(Self, M), Status> {
        let (metadata, extensions, message) = request.into_parts();
        let id = extensions.get::<RequestId>().cloned().unwrap_or_else(RequestId::random);
        match caller(&metadata, &extensions, regions, &id) {
            Ok(caller) => Ok((Self { caller }, message)),
            Err(error) => Err(to_wire_error(&error, id.as_str())),
        }
    }

    /// Answers with what the service said.
    ///
    /// # Errors
    /// The service's, as a status.
    pub(crate) fn end<R>(&self, result: Result<R, ApiError>) -> Result<Response<R>, Status> {
        result.map(Response::new).map_err(|error| to_wire_error(&error, &self.caller.request_id))
    }
}

fn caller(
    metadata: &MetadataMap,
    extensions: &Extensions,
    regions: &[Region],
    id: &RequestId,
) -> Result<Caller, ApiError> {
    let connection = extensions.get::<ConnectionInfo>();
    // The guard lets nobody in without one.
    let client = connection.and_then(|connection| connection.client_identity.as_ref());
    let client = client.ok_or(ErrorCode::MissingAuthenticationToken)?;
    Ok(Caller {
        credential: Credential::Certificate(client.uri().to_owned()),
        region: region(metadata, regions)?,
        consistency: consistency(metadata),
        request_id: id.as_str().to_owned(),
        peer: connection.map(|connection| connection.peer_addr.ip()),
        // A slow client spends its own time on its message, not the time of the service.
        arrived: Instant::now(),
    })
}

/// The region that the call names. Whether it is served is for the service to say, after it knows the caller.
fn region(metadata: &MetadataMap, regions: &[Region]) -> Result<Region, ApiError> {
    let mut named = metadata.get_all(REGION_METADATA).iter();
    match (named.next(), named.next()) {
        (None, _) => regions.first().cloned().ok_or(ErrorCode::ServiceUnavailable.into()),
        (Some(name), None) => name
            .to_str()
            .ok()
            .and_then(|name| Region::parse(name).ok())
            .ok_or_else(|| ApiError::validation(format_args!("The metadata {REGION_METADATA} is not a region"))),
        (Some(_), Some(_)) => {
            Err(ApiError::validation(format_args!("The metadata {REGION_METADATA} names more than one region")))
        }
    }
}

/// What the call asks for, in one text however often it asks. What that means is for the service to say.
fn consistency(metadata: &MetadataMap) -> Option<String> {
    let asked = metadata.get_all(CONSISTENCY_HEADER).iter();
    let texts = asked.map(|value| String::from_utf8_lossy(value.as_encoded_bytes()).into_owned());
    texts.reduce(|all, one| all + "," + &one)
}
