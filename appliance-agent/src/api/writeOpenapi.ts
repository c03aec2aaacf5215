/** `npm run openapi`: writes the API's description out of the contract to resources/openapi.json. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeApi } from './describeApi.ts';

const file = fileURLToPath(new URL('../../../resources/openapi.json', import.meta.url));
await mkdir(dirname(file), { recursive: true });
await writeFile(file, await describeApi());
console.log(`Wrote ${file}`);
