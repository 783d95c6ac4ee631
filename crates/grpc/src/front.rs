//! The services whose methods are operations: each decodes its message, asks the service, and encodes the answer.

use proto::tonic::{Request, Response, Status};
use service::{Operation, UseCases};
use types::consistency::AGE_HEADER;

use crate::call::Call;
use crate::decode::Decode;
use crate::encode::Encode;

/// What answers the methods of `Secrets` and of `Keys`.
#[derive(Clone)]
pub(crate) struct Front<U>(pub(crate) U);

impl<U: UseCases> Front<U> {
    /// Runs the operation that a message asks for.
    ///
    /// # Errors
    /// Those of the operation, as a status.
    pub(crate) async fn run<M, R>(&self, request: Request<M>) -> Result<Response<R>, Status>
    where
        M: Decode,
        R: Encode<<M::Input as Operation>::Output>,
    {
        let (call, message) = Call::begin(request, self.0.regions())?;
        let answer = self.0.call(&call.caller, message.decode()).await;
        let age = answer.as_ref().ok().and_then(|answer| answer.age);
        let mut response = call.end(answer.and_then(R::encode))?;
        if let Some(age) = age {
            let age_ms = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
            response.metadata_mut().insert(AGE_HEADER, age_ms.into());
        }
        Ok(response)
    }
}

/// Implements a service for [`Front`]: a line for each method, with the messages of the package.
macro_rules! implement {
    ($service:ident of $package:ident { $($rpc:ident($request:ident) -> $response:ident;)+ }) => {
        #[proto::tonic::async_trait]
        impl<U: service::UseCases> $service for $crate::front::Front<U> {
            $(async fn $rpc(
                &self,
                request: proto::tonic::Request<$package::$request>,
            ) -> Result<proto::tonic::Response<$package::$response>, proto::tonic::Status> {
                self.run(request).await
            })+
        }
    };
}

pub(crate) use implement;
