// AWS's SDK for JavaScript: does what each line of JSON says and answers with a line.

const readline = require('node:readline');
const sdk = require('@aws-sdk/client-secrets-manager');

const clients = new Map();

function client(region) {
  if (!clients.has(region)) clients.set(region, new sdk.SecretsManagerClient({ region }));
  return clients.get(region);
}

function given(name, value) {
  return name === 'SecretBinary' ? Buffer.from(value, 'base64') : value;
}

// Before JSON.stringify asks a date for its text.
function shown(value) {
  if (value instanceof Date) return value.getTime() / 1000;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map(shown);
  if (value && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, shown(member)]));
  }
  return value;
}

async function answer({ operation, region, input }) {
  const members = Object.fromEntries(Object.entries(input).map(([name, value]) => [name, given(name, value)]));
  try {
    const { $metadata, ...output } = await client(region).send(new sdk[`${operation}Command`](members));
    return { output: shown(output) };
  } catch (error) {
    if (!(error instanceof sdk.SecretsManagerServiceException)) throw error;
    return { code: error.name, message: error.message };
  }
}

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(await answer(JSON.parse(line))));
  }
})();
