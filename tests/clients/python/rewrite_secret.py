"""boto3: prints a secret's value, then gives it the one on standard input, then prints the classes of two refusals."""

import sys

import boto3

secret_id = sys.argv[1]
client = boto3.client('secretsmanager')
print(client.get_secret_value(SecretId=secret_id)['SecretString'])
client.put_secret_value(SecretId=secret_id, SecretString=sys.stdin.read())

try:
    client.get_secret_value(SecretId=secret_id + '-that-is-not-there')
except client.exceptions.ResourceNotFoundException as error:
    print(type(error).__name__, error.response['Error']['Message'])
try:
    client.create_secret(Name=secret_id, SecretString='other')
except client.exceptions.ResourceExistsException as error:
    print(type(error).__name__)
