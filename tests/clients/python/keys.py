"""boto3: the life of keys, step by step. A step that goes otherwise ends the program; what other clients go on with is
printed as JSON."""

import datetime
import json
import sys

import boto3

kms = boto3.client('kms')
failure = kms.exceptions


def refused(error, call, **arguments):
    """Calls, expects this error, and answers its message."""
    try:
        answer = call(**arguments)
    except error as got:
        return got.response['Error'].get('Message', '')
    raise AssertionError(f'{arguments} was answered with {answer}')


def other_code(code, call, **arguments):
    """The same for an error that the service's model does not have."""
    try:
        call(**arguments)
    except failure.ClientError as got:
        assert got.response['Error']['Code'] == code, got
        return got.response['Error']['Message']
    raise AssertionError(f'{arguments} was done')


def create():
    key = kms.create_key(Description='of the app', Tags=[{'TagKey': 'team', 'TagValue': 'blue'}])['KeyMetadata']
    assert key['Enabled'] and key['KeyState'] == 'Enabled' and key['KeyManager'] == 'CUSTOMER', key
    assert key['KeySpec'] == key['CustomerMasterKeySpec'] == 'SYMMETRIC_DEFAULT', key
    assert key['EncryptionAlgorithms'] == ['SYMMETRIC_DEFAULT'] and key['KeyUsage'] == 'ENCRYPT_DECRYPT', key
    assert key['Arn'] == f"arn:aws:kms:us-east-1:{key['AWSAccountId']}:key/{key['KeyId']}", key
    age = datetime.datetime.now(datetime.timezone.utc) - key['CreationDate']
    assert abs(age) < datetime.timedelta(minutes=10), key
    refused(failure.UnsupportedOperationException, kms.create_key, KeySpec='RSA_2048', KeyUsage='SIGN_VERIFY')
    return key


def names(key):
    key_id = key['KeyId']
    kms.create_alias(AliasName='alias/app', TargetKeyId=key_id)
    refused(failure.AlreadyExistsException, kms.create_alias, AliasName='alias/app', TargetKeyId=key_id)
    alias_arn = key['Arn'].replace('key/' + key_id, 'alias/app')
    for name in [key_id, key['Arn'], 'alias/app', alias_arn]:
        assert kms.describe_key(KeyId=name)['KeyMetadata']['KeyId'] == key_id, name
    message = refused(failure.NotFoundException, kms.describe_key, KeyId='alias/none')
    assert message == f"Alias {alias_arn.replace('app', 'none')} is not found.", message
    missing = '00000000-0000-4000-8000-000000000000'
    message = refused(failure.NotFoundException, kms.describe_key, KeyId=missing)
    assert message == f"Key '{key['Arn'].replace(key_id, missing)}' does not exist", message

    second = kms.create_key()['KeyMetadata']['KeyId']
    pages = kms.get_paginator('list_keys').paginate(PaginationConfig={'PageSize': 1})
    listed = [entry['KeyId'] for page in pages for entry in page['Keys']]
    assert {key_id, second} <= set(listed) and len(listed) == len(set(listed)), listed
    refused(failure.InvalidMarkerException, kms.list_keys, Marker='made-up')

    kms.create_alias(AliasName='alias/moves', TargetKeyId=key_id)
    kms.update_alias(AliasName='alias/moves', TargetKeyId=second)
    aliases = kms.list_aliases(KeyId=second)['Aliases']
    assert [alias['AliasName'] for alias in aliases] == ['alias/moves'], aliases
    kms.delete_alias(AliasName='alias/moves')
    refused(failure.NotFoundException, kms.delete_alias, AliasName='alias/moves')

    kms.update_key_description(KeyId=second, Description='another')
    assert kms.describe_key(KeyId=second)['KeyMetadata']['Description'] == 'another'
    kms.tag_resource(KeyId=second, Tags=[{'TagKey': 'a', 'TagValue': '1'}, {'TagKey': 'b', 'TagValue': ''}])
    kms.untag_resource(KeyId=second, TagKeys=['a'])
    assert kms.list_resource_tags(KeyId=second)['Tags'] == [{'TagKey': 'b', 'TagValue': ''}]
    return second


def encrypt(key, second):
    context = {'app': 'billing', 'stage': 'prod'}
    sealed = kms.encrypt(KeyId='alias/app', Plaintext=b'hunter2', EncryptionContext=context)
    blob = sealed['CiphertextBlob']
    assert sealed['KeyId'] == key['Arn'] and b'hunter2' not in blob and len(blob) <= 6144
    turned = dict(reversed(context.items()))
    opened = kms.decrypt(CiphertextBlob=blob, EncryptionContext=turned)
    assert opened['Plaintext'] == b'hunter2' and opened['KeyId'] == key['Arn'], opened
    assert opened['EncryptionAlgorithm'] == 'SYMMETRIC_DEFAULT', opened

    def closed(blob, context):
        message = refused(failure.InvalidCiphertextException, kms.decrypt, CiphertextBlob=blob, EncryptionContext=context)
        assert message == '', message

    for other in [{}, {'app': 'billing'}, dict(context, more='x'), {'app': 'billing', 'stage': 'Prod'}]:
        closed(blob, other)
    changed = bytes([blob[-1] ^ 1])
    for other in [blob[:-1], blob[:-1] + changed, changed + blob[1:], blob + b'x', blob[:40], b'x', bytes(200)]:
        closed(other, context)
    refused(failure.IncorrectKeyException, kms.decrypt, CiphertextBlob=blob, EncryptionContext=context, KeyId=second)
    refused(failure.DryRunOperationException, kms.encrypt, KeyId='alias/app', Plaintext=b'x', DryRun=True)
    other_code('ValidationException', kms.encrypt, KeyId='alias/app', Plaintext=bytes(4097))
    assert kms.encrypt(KeyId='alias/app', Plaintext=bytes(4096))['CiphertextBlob']

    # 8 KiB of context are taken, and one byte more is refused.
    def long_context(extra):
        return {'a': 'v' * 4000, 'b': 'v' * (8192 - 4000 - 2 - 8 - 2 + extra)}

    kms.encrypt(KeyId='alias/app', Plaintext=b'x', EncryptionContext=long_context(0))
    other_code('ValidationException', kms.encrypt, KeyId='alias/app', Plaintext=b'x', EncryptionContext=long_context(1))

    drawn = kms.generate_data_key(KeyId='alias/app', KeySpec='AES_256', EncryptionContext=context)
    assert len(drawn['Plaintext']) == 32 and drawn['KeyId'] == key['Arn']
    opened = kms.decrypt(CiphertextBlob=drawn['CiphertextBlob'], EncryptionContext=context)
    assert opened['Plaintext'] == drawn['Plaintext']
    assert len(kms.generate_data_key(KeyId=key['Arn'], NumberOfBytes=1024)['Plaintext']) == 1024
    other_code('ValidationException', kms.generate_data_key, KeyId='alias/app', KeySpec='AES_256', NumberOfBytes=32)
    bare = kms.generate_data_key_without_plaintext(KeyId='alias/app', KeySpec='AES_128')
    assert 'Plaintext' not in bare and len(kms.decrypt(CiphertextBlob=bare['CiphertextBlob'])['Plaintext']) == 16
    one, two = (kms.generate_random(NumberOfBytes=32)['Plaintext'] for _ in range(2))
    assert len(one) == 32 and one != two

    moved = kms.re_encrypt(
        CiphertextBlob=blob,
        SourceEncryptionContext=context,
        DestinationKeyId=second,
        DestinationEncryptionContext={'app': 'other'},
    )
    assert moved['SourceKeyId'] == key['Arn'] and moved['KeyId'].endswith(second), moved
    opened = kms.decrypt(CiphertextBlob=moved['CiphertextBlob'], EncryptionContext={'app': 'other'})
    assert opened['Plaintext'] == b'hunter2' and opened['KeyId'].endswith(second)
    closed(moved['CiphertextBlob'], context)
    return blob, context


def rotate(key, blob, context):
    key_id = key['KeyId']
    first = kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)['KeyMaterialId']
    assert kms.describe_key(KeyId=key_id)['KeyMetadata']['CurrentKeyMaterialId'] == first
    assert kms.rotate_key_on_demand(KeyId=key_id)['KeyId'] in (key_id, key['Arn'])
    current = kms.describe_key(KeyId=key_id)['KeyMetadata']['CurrentKeyMaterialId']
    assert current != first
    opened = kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)
    assert opened['Plaintext'] == b'hunter2' and opened['KeyMaterialId'] == first
    new = kms.encrypt(KeyId=key_id, Plaintext=b'new')['CiphertextBlob']
    assert kms.decrypt(CiphertextBlob=new)['KeyMaterialId'] == current
    rotations = kms.list_key_rotations(KeyId=key_id)['Rotations']
    assert [(entry['KeyMaterialId'], entry['RotationType']) for entry in rotations] == [(current, 'ON_DEMAND')], rotations
    rotations = kms.list_key_rotations(KeyId=key_id, IncludeKeyMaterial='ALL_KEY_MATERIAL')['Rotations']
    states = {entry['KeyMaterialId']: entry['KeyMaterialState'] for entry in rotations}
    assert states == {first: 'NON_CURRENT', current: 'CURRENT'}, rotations

    assert not kms.get_key_rotation_status(KeyId=key_id)['KeyRotationEnabled']
    kms.enable_key_rotation(KeyId=key_id, RotationPeriodInDays=90)
    status = kms.get_key_rotation_status(KeyId=key_id)
    assert status['KeyRotationEnabled'] and status['RotationPeriodInDays'] == 90, status
    days = status['NextRotationDate'] - datetime.datetime.now(datetime.timezone.utc)
    assert datetime.timedelta(days=89) < days <= datetime.timedelta(days=91), status
    kms.disable_key_rotation(KeyId=key_id)
    assert not kms.get_key_rotation_status(KeyId=key_id)['KeyRotationEnabled']


def allow(key):
    key_id = key['KeyId']
    root = f"arn:aws:iam::{key['AWSAccountId']}:root"
    wanted = {
        'KeyId': key_id,
        'GranteePrincipal': root,
        'RetiringPrincipal': root,
        'Operations': ['Decrypt', 'DescribeKey'],
        'Constraints': {'EncryptionContextSubset': {'app': 'billing'}},
        'Name': 'billing',
    }
    grant = kms.create_grant(**wanted)
    assert kms.create_grant(**wanted)['GrantId'] == grant['GrantId']
    other = kms.create_grant(KeyId=key_id, GranteePrincipal=root, Operations=['Encrypt'])
    pages = kms.get_paginator('list_grants').paginate(KeyId=key_id, PaginationConfig={'PageSize': 1})
    listed = {entry['GrantId']: entry for page in pages for entry in page['Grants']}
    assert set(listed) == {grant['GrantId'], other['GrantId']}, listed
    shown = listed[grant['GrantId']]
    assert shown['Constraints'] == wanted['Constraints'] and shown['Name'] == 'billing', shown
    assert sorted(shown['Operations']) == ['Decrypt', 'DescribeKey'] and shown['KeyId'] == key['Arn'], shown
    retirable = kms.list_retirable_grants(RetiringPrincipal=root)['Grants']
    assert [entry['GrantId'] for entry in retirable] == [grant['GrantId']], retirable
    kms.retire_grant(GrantToken=grant['GrantToken'])
    kms.revoke_grant(KeyId=key_id, GrantId=other['GrantId'])
    assert kms.list_grants(KeyId=key_id)['Grants'] == []

    policy = kms.get_key_policy(KeyId=key_id)['Policy']
    assert root in policy and kms.list_key_policies(KeyId=key_id)['PolicyNames'] == ['default']
    kms.put_key_policy(KeyId=key_id, Policy=policy)
    refused(failure.MalformedPolicyDocumentException, kms.put_key_policy, KeyId=key_id, Policy='{}')
    # Nobody could change it again.
    locked = json.loads(policy)
    for statement in locked['Statement']:
        statement['Action'] = 'kms:Decrypt'
    locked = json.dumps(locked)
    refused(failure.MalformedPolicyDocumentException, kms.put_key_policy, KeyId=key_id, Policy=locked)
    assert kms.get_key_policy(KeyId=key_id, PolicyName='default')['Policy'] == policy


def states(key, blob, context):
    key_id, arn = key['KeyId'], key['Arn']
    opening = {'CiphertextBlob': blob, 'EncryptionContext': context}
    kms.disable_key(KeyId=key_id)
    assert refused(failure.DisabledException, kms.decrypt, **opening) == f'{arn} is disabled.'
    refused(failure.DisabledException, kms.encrypt, KeyId=key_id, Plaintext=b'x')
    refused(failure.DisabledException, kms.rotate_key_on_demand, KeyId=key_id)
    refused(failure.KMSInvalidStateException, kms.cancel_key_deletion, KeyId=key_id)
    kms.enable_key(KeyId=key_id)
    assert kms.decrypt(**opening)['Plaintext'] == b'hunter2'

    scheduled = kms.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=7)
    assert scheduled['KeyState'] == 'PendingDeletion' and scheduled['PendingWindowInDays'] == 7, scheduled
    assert refused(failure.KMSInvalidStateException, kms.decrypt, **opening) == f'{arn} is pending deletion.'
    refused(failure.KMSInvalidStateException, kms.enable_key, KeyId=key_id)
    shown = kms.describe_key(KeyId=key_id)['KeyMetadata']
    assert shown['KeyState'] == 'PendingDeletion' and shown['DeletionDate'] == scheduled['DeletionDate'], shown
    other_code('ValidationException', kms.schedule_key_deletion, KeyId=key_id, PendingWindowInDays=6)
    kms.cancel_key_deletion(KeyId=key_id)
    assert kms.describe_key(KeyId=key_id)['KeyMetadata']['KeyState'] == 'Disabled'
    kms.enable_key(KeyId=key_id)
    assert kms.decrypt(**opening)['Plaintext'] == b'hunter2'


key = create()
second = names(key)
blob, context = encrypt(key, second)
rotate(key, blob, context)
allow(key)
states(key, blob, context)
json.dump({'KeyId': key['KeyId'], 'Arn': key['Arn']}, sys.stdout)
