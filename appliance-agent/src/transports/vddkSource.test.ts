import { chmod, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { type ErrorCode, MoRef } from '../contract/index.ts';
import type { SourceDisk } from '../disk/sourceDisk.ts';
import { temporaryFolder } from '../nbd/nbdServer.testing.ts';
import { checkVddkLibrary, vddkAvailability } from './vddkLibrary.ts';
import { openVddkSource, type VddkSourceOptions } from './vddkSource.ts';

const never = new AbortController().signal;
const password = 'pass word$7"ü';

/**
 * Stands in for nbdkit with VDDK, which nobody may ship: checks how it was started, takes the password from the file
 * descriptor, and becomes a real nbdkit of the given plugin.
 */
const standIn = (folder: string) => `#!/bin/bash
set -eu
here=${folder}
printf '%s\\n' "$@" > $here/arguments
env > $here/environment
cat <&3 > $here/password
echo start >> $here/starts
stat -c %a "$(dirname "$4")" > $here/mode
if [ -e $here/refuse ]; then cat $here/refuse >&2; exit 1; fi
exec nbdkit "\${@:1:4}" $(cat $here/extra 2>/dev/null || true) sh $here/plugin.sh
`;

const plugin = (folder: string) => `#!/bin/bash
here=${folder}
case "$1" in
  get_size) echo 3145728 ;;
  open) if [ -e $here/open-fails ]; then cat $here/open-fails >&2; exit 1; fi ;;
  pread)
    echo $3 >> $here/counts
    if [ -e $here/read-fails ]; then cat $here/read-fails >&2; rm -f $here/read-fails; exit 1; fi
    dd if=$here/disk.img skip=$4 count=$3 iflag=skip_bytes,count_bytes status=none ;;
  can_extents) exit 3 ;;
  *) exit 2 ;;
esac
`;

async function startStandIn() {
  const folder = await temporaryFolder();
  const at = (name: string) => path.join(folder.path, name);
  const content = Buffer.from(
    Array.from({ length: 3_145_728 }, (_, index) => (index * 7 + (index >> 12)) % 256),
  );
  await writeFile(at('disk.img'), content);
  await writeFile(at('nbdkit'), standIn(folder.path));
  await writeFile(at('plugin.sh'), plugin(folder.path));
  for (const name of ['nbdkit', 'plugin.sh']) await chmod(at(name), 0o755);
  await mkdir(at('run'));
  return {
    at,
    content,
    open: (options: Partial<VddkSourceOptions> = {}): Promise<SourceDisk> =>
      openVddkSource({
        libDir: '/opt/vddk',
        runDir: at('run'),
        nbdkitPath: at('nbdkit'),
        vsphere: {
          origin: 'https://vc.example:8443',
          thumbprint: 'AA:BB',
          credentials: async () => ({ username: 'svc@vsphere.local', password }),
        },
        vm: MoRef.parse('vm-16'),
        snapshot: MoRef.parse('snapshot-123'),
        fileName: '[ds 1] web/web+1.vmdk',
        expectedBytes: content.length,
        label: 'web-1, Hard disk 1',
        recovery: { attempts: 4, openAttempts: 3, firstPauseMs: 10 },
        signal: never,
        ...options,
      }),
    starts: async () => (await readFile(at('starts'), 'utf8')).trim().split('\n').length,
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

describe('starting nbdkit', () => {
  test('gives it the disk of the snapshot, and the password by file descriptor only', async () => {
    await using lab = await startStandIn();
    await using disk = await lab.open({ transports: 'nbdssl:nbd' });
    const parameters = (await readFile(lab.at('arguments'), 'utf8')).trim().split('\n');
    expect(parameters.slice(0, 3)).toEqual(['-r', '--exit-with-parent', '-U']);
    expect(parameters.slice(4)).toEqual([
      'vddk',
      'libdir=/opt/vddk',
      'server=vc.example',
      'port=8443',
      'user=svc@vsphere.local',
      'password=-3',
      'thumbprint=AA:BB',
      'vm=moref=vm-16',
      'snapshot=snapshot-123',
      'transports=nbdssl:nbd',
      'file=[ds 1] web/web+1.vmdk',
    ]);
    expect(await readFile(lab.at('password'), 'utf8')).toBe(password);
    expect(await readFile(lab.at('mode'), 'utf8')).toBe('700\n');
    const environment = await readFile(lab.at('environment'), 'utf8');
    expect(environment).not.toContain('pass word');
    expect(environment).not.toContain('LD_LIBRARY_PATH');
    const into = Buffer.alloc(70_000);
    await disk.read(512, into, never);
    expect(into.equals(lab.content.subarray(512, 70_512))).toBe(true);
  });

  test('pitfall 15: no request is larger than a host has memory for, however much is read at once', async () => {
    await using lab = await startStandIn();
    await using disk = await lab.open();
    const into = Buffer.alloc(2_500_000);
    await disk.read(1000, into, never);
    expect(into.equals(lab.content.subarray(1000, 2_501_000))).toBe(true);
    const counts = (await readFile(lab.at('counts'), 'utf8')).trim().split('\n').map(Number);
    expect(counts.length).toBeGreaterThan(2);
    expect(Math.max(...counts)).toBeLessThanOrEqual(1_048_576 + 512);
    expect(disk.preferred.requestBytes).toBeLessThanOrEqual(1_048_576);
  });

  test('nothing is left when the disk is closed, nor of an agent that was killed', async () => {
    await using lab = await startStandIn();
    await mkdir(path.join(lab.at('run'), 'nbdkit-4194305-abcdef'));
    const disk = await lab.open();
    expect(await readdir(lab.at('run'))).toHaveLength(1);
    await disk.close();
    expect(await readdir(lab.at('run'))).toEqual([]);
  });

  test('a missing nbdkit is told in a sentence', async () => {
    await using lab = await startStandIn();
    await expect(lab.open({ nbdkitPath: '/nowhere/nbdkit' })).rejects.toMatchObject({
      code: 'vddk.failed',
      message: expect.stringContaining('/nowhere/nbdkit cannot be started'),
    });
    expect(await readdir(lab.at('run'))).toEqual([]);
  });
});

describe('what VDDK says is told with its remedy', () => {
  const texts: [ErrorCode, RegExp, string][] = [
    [
      'vddk.thumbprint',
      /certificate/,
      'Failed to verify SSL certificate: actual thumbprint=11:22, expected=AA:BB',
    ],
    [
      'vddk.host-lookup',
      /esx7\.example.*DNS|DNS/,
      'Host address lookup for server esx7.example failed: Name or service not known',
    ],
    ['vddk.connect', /902/, 'NBD_ClientOpen: Cannot connect to host esx7:902: Connection refused'],
    [
      'vddk.memory',
      /nfcsvc/,
      'NfcFssrvrProcessErrorMsg: received NFC error 5 from server: Failed to allocate the requested 24117272 bytes',
    ],
    ['vddk.open', /dependent/, 'GetFileName: Cannot create disk spec for disk ide0:0.'],
    ['vddk.open', /maintenance/, 'VixDiskLib_OpenEx: [ds] web.vmdk: The host is in maintenance mode'],
    ['vddk.open', /snapshot/, 'VixDiskLib_OpenEx: cannot open disk [ds] web.vmdk, error 1 (Unknown error)'],
    [
      'vddk.login',
      /credentials/,
      'VixDiskLib_ConnectEx: Cannot complete login due to an incorrect user name or password.',
    ],
  ];

  test.each(texts)('%s (%s)', async (code, remedy, text) => {
    await using lab = await startStandIn();
    await writeFile(lab.at('open-fails'), `EIO ${text}\n`);
    await expect(lab.open()).rejects.toMatchObject({
      code,
      message: expect.stringContaining('web-1, Hard disk 1'),
      remedy: expect.stringMatching(remedy),
    });
  });

  const libraryTexts: [ErrorCode, string][] = [
    ['vddk.library', 'nbdkit: error: libssl.so.3: cannot open shared object file: No such file or directory'],
    [
      'vddk.library',
      'nbdkit: error: libvixDiskLib.so.8: cannot open shared object file: No such file or directory',
    ],
    [
      'vddk.missing',
      "nbdkit: error: cannot open plugin 'vddk': nbdkit-vddk-plugin.so: cannot open shared object file",
    ],
  ];
  test.each(libraryTexts)('%s when nbdkit does not start: %s', async (code, text) => {
    await using lab = await startStandIn();
    await writeFile(lab.at('refuse'), `${text}\n`);
    await expect(lab.open()).rejects.toMatchObject({ code });
  });

  test('an unknown text is passed on, without the password', async () => {
    await using lab = await startStandIn();
    await writeFile(lab.at('refuse'), `nbdkit: error: something odd about ${password}\n`);
    await expect(lab.open()).rejects.toMatchObject({
      code: 'vddk.failed',
      message: expect.stringContaining('something odd about ***'),
    });
  });
});

describe('recovery', () => {
  test('pitfall 16: a lost session is opened again on the same snapshot', async () => {
    await using lab = await startStandIn();
    await using disk = await lab.open();
    await writeFile(lab.at('extra'), '');
    const before = await readFile(lab.at('arguments'), 'utf8');
    // Twice: the first repetition on the same session fails too, so that a new one is made.
    await writeFile(lab.at('read-fails'), 'EIO VixDiskLib_Read: HOST_SERVER_SHUTDOWN\n');
    const into = Buffer.alloc(4096);
    await disk.read(8192, into, never);
    expect(into.equals(lab.content.subarray(8192, 12_288))).toBe(true);
    await disk.reconnect();
    await disk.read(0, into, never);
    expect(await lab.starts()).toBe(2);
    const after = await readFile(lab.at('arguments'), 'utf8');
    expect(after.split('\n').slice(4)).toEqual(before.split('\n').slice(4));
  });

  test('what does not pass ends in the known text, after bounded sessions', async () => {
    await using lab = await startStandIn();
    await using disk = await lab.open({ connections: 1 });
    await disk.reconnect();
    await writeFile(lab.at('open-fails'), 'EIO Failed to verify SSL certificate: actual thumbprint=11:22\n');
    await expect(disk.read(0, Buffer.alloc(512), never)).rejects.toMatchObject({ code: 'vddk.thumbprint' });
    expect(await lab.starts()).toBe(2);
  });
});

describe('the check for the doctor', () => {
  test('names the variable when no folder is configured', async () => {
    await expect(checkVddkLibrary({ libDir: undefined, signal: never })).rejects.toMatchObject({
      code: 'vddk.missing',
      remedy: expect.stringContaining('OSSEA_VDDK_LIBDIR'),
    });
  });

  test('tells an empty folder from a missing plugin', async () => {
    await using folder = await temporaryFolder();
    await expect(checkVddkLibrary({ libDir: folder.path, signal: never })).rejects.toMatchObject({
      code: 'vddk.missing',
      message: expect.stringContaining('libvixDiskLib.so'),
    });
    const lib64 = path.join(folder.path, 'lib64');
    await mkdir(lib64);
    await writeFile(path.join(lib64, 'libvixDiskLib.so.8.0.2'), '');
    await symlink('libvixDiskLib.so.8.0.2', path.join(lib64, 'libvixDiskLib.so.8'));
    const fake = path.join(folder.path, 'nbdkit');
    await writeFile(fake, '#!/bin/sh\necho "nbdkit: error: cannot open plugin \'vddk\': no" >&2; exit 1\n');
    await chmod(fake, 0o755);
    expect(await vddkAvailability({ libDir: folder.path, nbdkitPath: fake, signal: never })).toMatchObject({
      available: false,
      reason: expect.stringContaining('no vddk plugin'),
      remedy: expect.stringContaining('nbdkit-vddk-plugin'),
    });
    await writeFile(fake, '#!/bin/sh\necho name=vddk; echo version=1.42.2; echo vddk_library_version=8\n');
    expect(await checkVddkLibrary({ libDir: folder.path, nbdkitPath: fake, signal: never })).toEqual({
      file: path.join(lib64, 'libvixDiskLib.so.8.0.2'),
      version: '8.0.2',
      pluginVersion: '1.42.2',
    });
  });
});
