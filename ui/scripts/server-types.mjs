// Writes src/backend/server-types.ts from docs/openapi.json: `npm run types`. A test fails when the two differ.
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const SOURCE = fileURLToPath(new URL('../../docs/openapi.json', import.meta.url));
const TARGET = fileURLToPath(new URL('../src/backend/server-types.ts', import.meta.url));

const SIMPLE = { string: 'string', integer: 'number', number: 'number', boolean: 'boolean', null: 'null' };

function typeOf(schema) {
  if (schema === undefined || schema === true) return 'unknown';
  if (schema.$ref) return schema.$ref.split('/').at(-1);
  if (schema.enum) return schema.enum.map((one) => JSON.stringify(one)).join(' | ');
  for (const [word, sign] of [['oneOf', ' | '], ['anyOf', ' | '], ['allOf', ' & ']]) {
    if (schema[word]) return schema[word].map(typeOf).join(sign);
  }
  if (Array.isArray(schema.type)) return schema.type.map((type) => typeOf({ ...schema, type })).join(' | ');
  if (schema.type === 'array') return `Array<${typeOf(schema.items)}>`;
  if (schema.type === 'object') return schema.properties ? objectOf(schema) : 'Record<string, unknown>';
  return SIMPLE[schema.type] ?? 'unknown';
}

function objectOf({ properties, required = [] }) {
  const fields = Object.entries(properties).map(([name, schema]) => `${name}${required.includes(name) ? '' : '?'}: ${typeOf(schema)}`);
  return `{ ${fields.join('; ')} }`;
}

/** The types of every schema but the outer form of answers. */
export async function serverTypes() {
  const { components } = JSON.parse(await readFile(SOURCE, 'utf8'));
  const lines = Object.entries(components.schemas)
    .filter(([name]) => !name.startsWith('Success_'))
    .map(([name, schema]) => {
      const said = schema.description?.split('\n')[0];
      return `${said ? `/** ${said} */\n` : ''}export type ${name} = ${typeOf(schema)};`;
    });
  return `// Generated from docs/openapi.json by \`npm run types\`. Do not edit.\n\n${lines.join('\n')}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await writeFile(TARGET, await serverTypes());
