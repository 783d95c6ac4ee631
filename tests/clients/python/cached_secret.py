"""AWS's caching library: prints a secret's value, its previous one and its bytes' length, changes it, and reads on."""

import sys
import time

import boto3
from aws_secretsmanager_caching import InjectSecretString, SecretCache, SecretCacheConfig

name, binary = sys.argv[1:]
client = boto3.client('secretsmanager')
calls = []
client.meta.events.register('before-call.secrets-manager', lambda model, **_: calls.append(model.name))

cache = SecretCache(config=SecretCacheConfig(secret_refresh_interval=2), client=client)
print(cache.get_secret_string(name))
print(cache.get_secret_string(name, version_stage='AWSPREVIOUS'))
print(len(cache.get_secret_binary(binary)))

# A second reading asks nobody.
before = len(calls)
cache.get_secret_string(name)
print(len(calls) - before)

client.put_secret_value(SecretId=name, SecretString='renewed')
deadline = time.monotonic() + 60
while cache.get_secret_string(name) != 'renewed' and time.monotonic() < deadline:
    time.sleep(0.1)
print(cache.get_secret_string(name))
print(cache.get_secret_string(name, version_stage='AWSPREVIOUS'))


@InjectSecretString(name, cache)
def injected(secret):
    return secret


print(injected())
