//! `conclave.secrets.v1.Secrets`.

use proto::secrets::v1 as pb;
use proto::secrets::v1::secrets_server::Secrets;
use proto::tonic::{self, Request, Response, Status};

use crate::call::Call;
use crate::use_cases::UseCases;
use crate::{decode, encode};

pub(crate) struct Front<U>(pub(crate) U);

#[tonic::async_trait]
impl<U: UseCases> Secrets for Front<U> {
    async fn create_secret(
        &self,
        request: Request<pb::CreateSecretRequest>,
    ) -> Result<Response<pb::CreateSecretResponse>, Status> {
        let (call, message) = Call::begin(request, self.0.regions())?;
        let result = self.0.create_secret(&call.caller, decode::create_secret(message)).await;
        call.end(result.map(encode::create_secret))
    }

    async fn get_secret_value(
        &self,
        request: Request<pb::GetSecretValueRequest>,
    ) -> Result<Response<pb::GetSecretValueResponse>, Status> {
        let (call, message) = Call::begin(request, self.0.regions())?;
        let result = self.0.get_secret_value(&call.caller, decode::get_secret_value(message)).await;
        call.end(result.and_then(encode::get_secret_value))
    }

    async fn put_secret_value(
        &self,
        request: Request<pb::PutSecretValueRequest>,
    ) -> Result<Response<pb::PutSecretValueResponse>, Status> {
        let (call, message) = Call::begin(request, self.0.regions())?;
        let result = self.0.put_secret_value(&call.caller, decode::put_secret_value(message)).await;
        call.end(result.map(encode::put_secret_value))
    }

    async fn describe_secret(
        &self,
        request: Request<pb::DescribeSecretRequest>,
    ) -> Result<Response<pb::DescribeSecretResponse>, Status> {
        let (call, message) = Call::begin(request, self.0.regions())?;
        let result = self.0.describe_secret(&call.caller, decode::describe_secret(message)).await;
        call.end(result.map(encode::describe_secret))
    }

    async fn list_secrets(
        &self,
        request: Request<pb::ListSecretsRequest>,
    ) -> Result<Response<pb::ListSecretsResponse>, Status> {
        let (call, message) = Call::begin(request, self.0.regions())?;
        let result = self.0.list_secrets(&call.caller, decode::list_secrets(message)).await;
        call.end(result.map(encode::list_secrets))
    }

    async fn delete_secret(
        &self,
        request: Request<pb::DeleteSecretRequest>,
    ) -> Result<Response<pb::DeleteSecretResponse>, Status> {
        let (call, message) = Call::begin(request, self.0.regions())?;
        let result = self.0.delete_secret(&call.caller, decode::delete_secret(message)).await;
        call.end(result.map(encode::delete_secret))
    }

    async fn update_secret(
        &self,
        request: Request<pb::UpdateSecretRequest>,
    ) -> Result<Response<pb::UpdateSecretResponse>, Status> {
        let (call, message) = Call::begin(request, self.0.regions())?;
        let result = self.0.update_secret(&call.caller, decode::update_secret(message)).await;
        call.end(result.map(encode::update_secret))
    }

    async fn update_secret_version_stage(
        &self,
        request: Request<pb::UpdateSecretVersionStageRequest>,
    ) -> Result<Response<pb::UpdateSecretVersionStageResponse>, Status> {
        let (call, message) = Call::begin(request, self.0.regions())?;
        let result =
            self.0.update_secret_version_stage(&call.caller, decode::update_secret_version_stage(message)).await;
        call.end(result.map(encode::update_secret_version_stage))
    }

    async fn list_secret_version_ids(
        &self,
        request: Request<pb::ListSecretVersionIdsRequest>,
    ) -> Result<Response<pb::ListSecretVersionIdsResponse>, Status> {
        let (call, message) = Call::begin(request, self.0.regions())?;
        let result = self.0.list_secret_version_ids(&call.caller, decode::list_secret_version_ids(message)).await;
        call.end(result.map(encode::list_secret_version_ids))
    }

    async fn restore_secret(
        &self,
        request: Request<pb::RestoreSecretRequest>,
    ) -> Result<Response<pb::RestoreSecretResponse>, Status> {
        let (call, message) = Call::begin(request, self.0.regions())?;
        let result = self.0.restore_secret(&call.caller, decode::restore_secret(message)).await;
        call.end(result.map(encode::restore_secret))
    }

    async fn tag_resource(
        &self,
        request: Request<pb::TagResourceRequest>,
    ) -> Result<Response<pb::TagResourceResponse>, Status> {
        let (call, message) = Call::begin(request, self.0.regions())?;
        let result = self.0.tag_resource(&call.caller, decode::tag_resource(message)).await;
        call.end(result.map(encode::tag_resource))
    }

    async fn untag_resource(
        &self,
        request: Request<pb::UntagResourceRequest>,
    ) -> Result<Response<pb::UntagResourceResponse>, Status> {
        let (call, message) = Call::begin(request, self.0.regions())?;
        let result = self.0.untag_resource(&call.caller, decode::untag_resource(message)).await;
        call.end(result.map(encode::untag_resource))
    }

    async fn get_random_password(
        &self,
        request: Request<pb::GetRandomPasswordRequest>,
    ) -> Result<Response<pb::GetRandomPasswordResponse>, Status> {
        let (call, message) = Call::begin(request, self.0.regions())?;
        let result = self.0.get_random_password(&call.caller, decode::get_random_password(message)).await;
        call.end(result.and_then(encode::get_random_password))
    }
}
