"""gRPC from the generated code of proto/: prints a secret's value, then gives it the one on standard input."""

import os
import sys
import uuid

import grpc
from conclave.secrets.v1 import secrets_pb2, secrets_pb2_grpc


def read(variable):
    with open(os.environ[variable], 'rb') as file:
        return file.read()


secret_id = sys.argv[1]
endpoint = os.environ['CONCLAVE_ENDPOINTS'].split(',')[0]
credentials = grpc.ssl_channel_credentials(
    root_certificates=read('CONCLAVE_CA'),
    private_key=read('CONCLAVE_KEY'),
    certificate_chain=read('CONCLAVE_CERT'),
)
with grpc.secure_channel(endpoint, credentials) as channel:
    secrets = secrets_pb2_grpc.SecretsStub(channel)
    current = secrets.GetSecretValue(secrets_pb2.GetSecretValueRequest(secret_id=secret_id), timeout=20)
    print(current.secret_string)
    secrets.PutSecretValue(
        secrets_pb2.PutSecretValueRequest(
            secret_id=secret_id,
            client_request_token=str(uuid.uuid4()),
            secret_string=sys.stdin.read(),
        ),
        timeout=20,
    )
