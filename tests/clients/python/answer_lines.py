"""boto3: does what each line of JSON says and answers with a line."""

import base64
import datetime
import json
import sys

import boto3
import botocore.exceptions
from botocore import xform_name

clients = {}


def client(region):
    if region not in clients:
        clients[region] = boto3.client('secretsmanager', region_name=region)
    return clients[region]


def shown(value):
    if isinstance(value, datetime.datetime):
        return value.timestamp()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(value)


def answer(operation, region, input):
    if 'SecretBinary' in input:
        input['SecretBinary'] = base64.b64decode(input['SecretBinary'])
    try:
        output = getattr(client(region), xform_name(operation))(**input)
    except botocore.exceptions.ClientError as error:
        # A modelled error has a class of its own; of others there is only the code.
        name = type(error).__name__
        code = error.response['Error']['Code']
        return {'code': code if name == 'ClientError' else name, 'message': error.response['Error']['Message']}
    del output['ResponseMetadata']
    return {'output': output}


for line in sys.stdin:
    print(json.dumps(answer(**json.loads(line)), default=shown), flush=True)
