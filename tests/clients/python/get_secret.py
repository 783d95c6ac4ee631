"""The user's own kind of program: it knows AWS Secrets Manager and nothing else."""

import json

import boto3

session = boto3.session.Session()
client = session.client(service_name='secretsmanager', region_name='us-east-1')
response = client.get_secret_value(SecretId='my-twitter-api-key')
secret = json.loads(response['SecretString'])
print(secret['TwitterAPIKey'])
