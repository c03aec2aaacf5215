import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { listPackage } from '@electron/asar';
import { FuseState, FuseV1Options, getCurrentFuseWire } from '@electron/fuses';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { consoleTestsLack, type Desk, electronProgram, startDesk } from './consoleApp.ts';
import { startPlainConsole } from './plainConsole.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '..', '..', '..');
const app = join(root, 'out', 'linux-unpacked');
const program = join(app, 'ossea-migrate');
const lacking = consoleTestsLack ? ` (lacks ${consoleTestsLack})` : '';

describe.skipIf(consoleTestsLack || process.platform !== 'linux')(`the packaged console${lacking}`, () => {
  let desk: Desk;
  let environment: Record<string, string>;

  beforeAll(async () => {
    await run(process.execPath, [join(root, 'build', 'package', 'package.ts'), '--dir'], {
      env: { ...process.env, ELECTRON_OVERRIDE_DIST_PATH: dirname(electronProgram ?? '') },
    });
    desk = await startDesk();
    environment = desk.environment;
  }, 300_000);
  afterAll(() => desk?.[Symbol.asyncDispose]());

  it('has its fuses set', async () => {
    const wire = await getCurrentFuseWire(program);
    const states = {
      [FuseV1Options.RunAsNode]: FuseState.DISABLE,
      [FuseV1Options.EnableCookieEncryption]: FuseState.ENABLE,
      [FuseV1Options.EnableNodeOptionsEnvironmentVariable]: FuseState.DISABLE,
      [FuseV1Options.EnableNodeCliInspectArguments]: FuseState.DISABLE,
      [FuseV1Options.EnableEmbeddedAsarIntegrityValidation]: FuseState.ENABLE,
      [FuseV1Options.OnlyLoadAppFromAsar]: FuseState.ENABLE,
      [FuseV1Options.GrantFileProtocolExtraPrivileges]: FuseState.DISABLE,
    };
    expect(wire).toMatchObject(states);
  });

  it('holds the bundles, keytar and nothing else', () => {
    const files = listPackage(join(app, 'resources', 'app.asar'), { isPack: false });
    const besides = files.filter(
      (file) => !/^\/(main|preload|renderer|package\.json|node_modules$|node_modules\/keytar)/.test(file),
    );
    expect(besides).toEqual([]);
    expect(files.filter((file) => file.endsWith('.map'))).toEqual([]);
    expect(files).toContain('/node_modules/keytar/build/Release/keytar.node');
  });

  it('starts, shows its first screen and reaches the keychain; ends without a trace of a debugger', async () => {
    // Its inspector is off for good, and NODE_OPTIONS is without effect.
    await using plain = await startPlainConsole(program, ['--inspect=0'], {
      ...environment,
      NODE_OPTIONS: '--inspect=0',
    });
    const { page, lines } = plain;
    await page.getByRole('heading', { level: 1 }).first().waitFor();
    expect(page.url()).toMatch(/^app:\/\/console\//);
    expect(await page.evaluate(`ossea.invoke('app.info')`)).toMatchObject({
      ok: true,
      data: { packaged: true, version: expect.stringMatching(/^\d+\.\d+\.\d+$/) },
    });
    expect(await page.evaluate(`ossea.invoke('keychain.status')`)).toMatchObject({
      data: { state: 'available' },
    });
    expect(lines.filter((line) => line.includes('Debugger listening'))).toEqual([]);
  }, 60_000);

  it('is no Node.js for anybody', async () => {
    const child = spawn(program, ['--no-sandbox', '-e', 'console.log("ran as " + process.version)'], {
      env: { PATH: process.env.PATH ?? '', ELECTRON_RUN_AS_NODE: '1' },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    // Without a display it ends at once.
    await once(child, 'exit');
    expect(output).not.toContain('ran as');
  });
});
