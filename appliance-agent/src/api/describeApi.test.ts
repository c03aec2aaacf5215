import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { describeApi } from './describeApi.ts';
import { send, serveTestApi } from './services.testing.ts';

const file = new URL('../../../resources/openapi.json', import.meta.url);

it('resources/openapi.json is up to date; else run: npm run openapi', async () => {
  expect((await readFile(file, 'utf8')) === (await describeApi())).toBe(true);
});

it('the running agent serves the same description', async () => {
  await using api = await serveTestApi();
  const served = JSON.parse((await send(api.apiSocket, { path: '/openapi.json' })).text);
  const written = JSON.parse(await describeApi());
  expect(served.paths).toEqual(written.paths);
  expect(served.components).toEqual(written.components);
});
