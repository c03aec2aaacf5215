import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { loadConfig } from './config.ts';
import { OsseaError } from './contract/index.ts';

function settingsFile(content: string): string {
  const file = join(mkdtempSync(join(tmpdir(), 'ossea-config-')), 'agent.json');
  writeFileSync(file, content);
  return file;
}

function mistakeOf(environment: Record<string, string>): OsseaError {
  try {
    loadConfig(environment);
  } catch (error) {
    if (error instanceof OsseaError) return error;
    throw error;
  }
  throw new Error('The configuration was accepted.');
}

describe('configuration', () => {
  it('is complete without any setting, and frozen', () => {
    const config = loadConfig({});
    expect(config).toMatchObject({
      stateDir: '/var/lib/ossea-agent',
      runDir: '/run/ossea-agent',
      deviceDir: '/dev/disk/by-id',
      logLevel: 'info',
    });
    expect(config.databaseUrl).toBeUndefined();
    expect(Object.isFrozen(config)).toBe(true);
  });

  it('takes the environment before the file, and an empty variable as unset', () => {
    const OSSEA_CONFIG = settingsFile('{"stateDir":"/srv/a","runDir":"/srv/b","logLevel":"debug"}');
    const config = loadConfig({ OSSEA_CONFIG, OSSEA_STATE_DIR: '/srv/c', OSSEA_RUN_DIR: '' });
    expect(config).toMatchObject({ stateDir: '/srv/c', runDir: '/srv/b', logLevel: 'debug' });
  });

  it('knows where the tools for guests are, and makes the paths of files absolute', () => {
    expect(loadConfig({})).toMatchObject({
      virtV2v: 'virt-v2v-in-place',
      guestfish: 'guestfish',
      virtToolsDir: '/usr/share/virt-tools',
    });
    const { virtioWinIso } = loadConfig({ OSSEA_VIRTIO_WIN_ISO: 'isos/../virtio-win.iso' });
    expect(virtioWinIso).toBe(`${process.cwd()}/virtio-win.iso`);
  });

  it('reads MAC addresses from a list', () => {
    expect(
      loadConfig({ OSSEA_APPLIANCE_MACS: '02:00:4C:9F:00:01, 02:00:4c:9f:00:02' }).applianceMacs,
    ).toEqual(['02:00:4c:9f:00:01', '02:00:4c:9f:00:02']);
  });

  it.each([
    ['OSSEA_LOG_LEVEL', 'loud', 'logLevel', 'loud'],
    ['OSSEA_APPLIANCE_MACS', '02:00', 'applianceMacs', '02:00'],
  ])('names field, value and remedy of a wrong %s', (variable, value, field, shown) => {
    const error = mistakeOf({ [variable]: value });
    expect(error).toMatchObject({ code: 'config.invalid', field });
    expect(error.message).toContain(variable);
    expect(error.message).toContain(shown);
    expect(error.remedy).toContain(variable);
  });

  it('names the file and the setting of a wrong file', () => {
    const OSSEA_CONFIG = settingsFile('{"runDir":7}');
    expect(mistakeOf({ OSSEA_CONFIG })).toMatchObject({ field: 'runDir', value: '7' });
    expect(mistakeOf({ OSSEA_CONFIG }).message).toContain(OSSEA_CONFIG);
  });

  it('refuses a misspelt setting and tells the known ones', () => {
    const error = mistakeOf({ OSSEA_CONFIG: settingsFile('{"statedir":"/srv/a"}') });
    expect(error.field).toBe('statedir');
    expect(error.remedy).toContain('stateDir');
  });

  it('tells what is wrong with a file that is missing, no JSON, or no object', () => {
    expect(mistakeOf({ OSSEA_CONFIG: '/nowhere/agent.json' }).message).toContain('ENOENT');
    expect(
      mistakeOf({ OSSEA_CONFIG: settingsFile('{"databaseUrl": "postgresql://u:hunter22@h/d"') }).message,
    ).toMatch(/is not valid JSON\.$/);
    expect(mistakeOf({ OSSEA_CONFIG: settingsFile('[]') }).message).toContain('JSON object');
  });

  it("never shows the database's password", () => {
    const error = mistakeOf({ DATABASE_URL: 'mysql://user:hunter22@host/db' });
    expect(error.field).toBe('databaseUrl');
    expect(JSON.stringify(error.toProblem())).not.toContain('hunter22');

    const config = loadConfig({ DATABASE_URL: 'postgresql://user:hunter22@host/db' });
    expect(config.databaseUrl).toContain('hunter22');
    expect(JSON.stringify(config)).not.toContain('hunter22');
    expect(inspect(config)).not.toContain('hunter22');
  });
});
