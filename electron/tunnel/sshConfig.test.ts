import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listSshHosts, parseHop, readSshConfig, resolveSshHost, wholeWay } from './sshConfig.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ossea-ssh-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function read(text: string) {
  await writeFile(join(folder, 'config'), text);
  return readSshConfig(join(folder, 'config'));
}

describe('what ~/.ssh/config says of a host', () => {
  it('is its address, port, user, key and jumps, in any case of the keywords', async () => {
    const config = await read(`
Host cloud
  hostname appliance.example
  PORT 2222
  User migrate
  IdentityFile ~/.ssh/cloud
  ProxyJump jo@bastion:2200, inner
`);
    expect(resolveSshHost(config, 'cloud')).toEqual({
      alias: 'cloud',
      host: 'appliance.example',
      port: 2222,
      username: 'migrate',
      identityFile: join(homedir(), '.ssh', 'cloud'),
      jumpHosts: ['jo@bastion:2200', 'inner'],
    });
  });

  it('takes patterns in, and lists only what has a name of its own', async () => {
    const config = await read('Host a b\n  Port 23\nHost *.example !x\n  User p\nHost *\n  User all\n');
    expect(listSshHosts(config).map(({ alias, port, username }) => [alias, port, username])).toEqual([
      ['a', 23, 'all'],
      ['b', 23, 'all'],
    ]);
    expect(resolveSshHost(config, 'db.example').username).toBe('p');
  });

  it('is found in included files too, and an absent file is no trouble', async () => {
    await mkdir(join(folder, 'config.d'));
    await writeFile(join(folder, 'config.d', 'one'), 'Host one\n  Port 1001\n');
    await writeFile(
      join(folder, 'config.d', 'two'),
      `Host two\n  Port 1002\nInclude ${join(folder, 'absent')}\n`,
    );
    const config = await read('Include config.d/*\nHost three\n  Port 1003\n');
    expect(listSshHosts(config).map(({ alias, port }) => [alias, port])).toEqual([
      ['one', 1001],
      ['two', 1002],
      ['three', 1003],
    ]);
    expect(listSshHosts(await readSshConfig(join(folder, 'absent')))).toEqual([]);
  });

  it('survives a file that includes itself', async () => {
    const config = await read('Host one\n  Port 1001\nInclude config\n');
    expect(resolveSshHost(config, 'one').port).toBe(1001);
  });
});

describe('a hop', () => {
  it('is user, host and port, or an alias; what it says itself goes before the configuration', async () => {
    const config = await read('Host bastion\n  HostName b.example\n  Port 2200\n  User gate\n');
    expect(parseHop(config, 'bastion', 'jo')).toMatchObject({
      host: 'b.example',
      port: 2200,
      username: 'gate',
    });
    expect(parseHop(config, 'me@bastion:22', 'jo')).toMatchObject({
      host: 'b.example',
      port: 22,
      username: 'me',
    });
    expect(parseHop(config, '[2001:db8::1]:2201', 'jo')).toMatchObject({
      host: '2001:db8::1',
      port: 2201,
      username: 'jo',
    });
    expect(() => parseHop(config, 'a:b:c', 'jo')).toThrow(RangeError);
  });

  it('that is itself behind others is reached through them', async () => {
    const config = await read('Host inner\n  ProxyJump middle\nHost middle\n  ProxyJump outer\n');
    expect(wholeWay(config, ['inner', 'last'], 'jo')).toEqual(['outer', 'middle', 'inner', 'last']);
    expect(wholeWay(config, [], 'jo')).toEqual([]);
  });

  it('that leads in a circle is refused', async () => {
    const config = await read('Host a\n  ProxyJump b\nHost b\n  ProxyJump a\n');
    expect(() => wholeWay(config, ['a'], 'jo')).toThrow(/circle/);
  });
});
