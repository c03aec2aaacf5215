import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TestClient, valueIn, valuesIn } from './testClient.ts';
import {
  type LabVcenter,
  type LabVmSpec,
  readGuestLog,
  startVcenter,
  type VcenterOptions,
} from './vcenter.ts';

let root = '';
let started = 0;
const mebibyte = 1 << 20;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'lab-vcenter-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

function start(options: Partial<VcenterOptions> = {}): Promise<LabVcenter> {
  started += 1;
  return startVcenter({ dataDir: join(root, String(started)), vms: [small], ...options });
}

const small: LabVmSpec = {
  name: 'web',
  disks: [
    { sizeBytes: 8 * mebibyte + 512, fill: { seed: 1, dataFraction: 0.5 } },
    { sizeBytes: 1_000_001 * 512, provisioning: 'thick' },
  ],
};

const web = (vcenter: LabVcenter) => `VirtualMachine:${vcenter.vm('web').moRef}`;
const snapshotArgs =
  '<name>s1</name><description>by test</description><memory>false</memory><quiesce>false</quiesce>';

async function takeSnapshot(client: TestClient, vcenter: LabVcenter): Promise<string> {
  const info = await client.task(await client.call('CreateSnapshot_Task', web(vcenter), snapshotArgs));
  return valueIn(info, 'result');
}

function areaQuery(snapshot: string, startOffset: number, changeId: string, key = 2000): string {
  return `<snapshot type="VirtualMachineSnapshot">${snapshot}</snapshot><deviceKey>${key}</deviceKey><startOffset>${startOffset}</startOffset><changeId>${changeId}</changeId>`;
}

describe('sessions', () => {
  test('nothing is told without a login, and a wrong password is refused', async () => {
    await using vcenter = await start();
    using client = new TestClient(vcenter);
    expect(await client.call('RetrieveServiceContent', 'ServiceInstance:ServiceInstance')).toContain(
      'VirtualCenter',
    );
    await expect(client.properties(web(vcenter), ['name'])).rejects.toThrow(/NotAuthenticated/);
    const wrong = client.call(
      'Login',
      'SessionManager:SessionManager',
      '<userName>root</userName><password>x</password>',
    );
    await expect(wrong).rejects.toMatchObject({ name: 'InvalidLogin' });
  });

  test('a session ends after a number of calls, or when all are expired; a new login helps', async () => {
    await using vcenter = await start({ faults: { sessionExpiresAfterCalls: 2 } });
    using client = await TestClient.login(vcenter);
    await client.call('CurrentTime', 'ServiceInstance:ServiceInstance');
    await client.call('CurrentTime', 'ServiceInstance:ServiceInstance');
    const third = client.call('CurrentTime', 'ServiceInstance:ServiceInstance');
    await expect(third).rejects.toMatchObject({ name: 'NotAuthenticated' });
    vcenter.faults.sessionExpiresAfterCalls = 0;
    await client.login();
    expect(vcenter.expireSessions()).toBe(1);
    expect(await client.send('/folder/web/web.vmdk?dcPath=Sites/DC0&dsName=datastore1')).toMatchObject({
      status: 401,
    });
  });

  test('a clone ticket opens one more session, once', async () => {
    await using vcenter = await start();
    using client = await TestClient.login(vcenter);
    using other = new TestClient(vcenter);
    const ticket = valueIn(
      await client.call('AcquireCloneTicket', 'SessionManager:SessionManager'),
      'returnval',
    );
    const clone = () =>
      other.call('CloneSession', 'SessionManager:SessionManager', `<cloneTicket>${ticket}</cloneTicket>`);
    await clone();
    expect(vcenter.sessionCount).toBe(2);
    await expect(clone()).rejects.toMatchObject({ name: 'InvalidLogin' });
    await other.call('Logout', 'SessionManager:SessionManager');
    expect(vcenter.sessionCount).toBe(1);
  });

  test('the certificate changes at run time', async () => {
    await using vcenter = await start();
    const before = vcenter.fingerprint;
    expect(await vcenter.changeCertificate()).not.toBe(before);
    using client = await TestClient.login(vcenter);
    expect(await client.call('CurrentTime', 'ServiceInstance:ServiceInstance')).toContain('20');
  });
});

describe('the inventory', () => {
  test('all properties of all objects fit the real type system', async () => {
    const odd: LabVmSpec = {
      name: 'odd',
      disks: [
        { sizeBytes: mebibyte, rdm: 'virtual', controller: 'nvme' },
        { sizeBytes: mebibyte, mode: 'independent_persistent' },
      ],
      nics: [{ network: 'DPG-Test' }, { adapter: 'sriov' }],
      vtpm: true,
      encrypted: true,
      hostDevices: ['usb', 'pci-passthrough'],
      snapshots: ['old', 'older'],
      folder: 'prod/eu',
    };
    await using vcenter = await start({ vms: [small, odd], inventorySize: 20 });
    using client = await TestClient.login(vcenter);
    const types = [
      'VirtualMachine',
      'Folder',
      'Datacenter',
      'HostSystem',
      'Datastore',
      'Network',
      'ResourcePool',
    ];
    for (const type of [...types, 'ClusterComputeResource', 'VmwareDistributedVirtualSwitch']) {
      expect(await client.properties(type, 'all')).toContain('<name>name</name>');
    }
    const vms = await client.properties('VirtualMachine', ['name']);
    expect(valuesIn(vms, 'obj')).toHaveLength(22);
    const snapshot = vcenter.vm('odd').snapshots[0]?.moRef;
    expect(await client.properties(`VirtualMachineSnapshot:${snapshot}`, 'all')).toContain('VirtualDisk');
    await expect(client.properties(web(vcenter), ['config.nonsense'])).rejects.toMatchObject({
      name: 'InvalidProperty',
    });
  });

  test('a denied privilege is named with its object', async () => {
    await using vcenter = await start({
      faults: { deniedPrivileges: ['VirtualMachine.State.CreateSnapshot'] },
    });
    using client = await TestClient.login(vcenter);
    const refused = client.call('CreateSnapshot_Task', web(vcenter), snapshotArgs);
    await expect(refused).rejects.toThrow(/<privilegeId>VirtualMachine.State.CreateSnapshot</);
    const answer = await client.call(
      'HasPrivilegeOnEntities',
      'AuthorizationManager:AuthorizationManager',
      `<entity type="VirtualMachine">${vcenter.vm('web').moRef}</entity><sessionId>x</sessionId><privId>VirtualMachine.State.CreateSnapshot</privId><privId>System.Read</privId>`,
    );
    expect(valuesIn(answer, 'isGranted')).toEqual(['false', 'true']);
  });
});

describe('snapshots', () => {
  test('hold their moment while the guest writes, and leave nothing when they go', async () => {
    await using vcenter = await start();
    using client = await TestClient.login(vcenter);
    const vm = vcenter.vm('web');
    vm.startGuest({
      writesPerSecond: 500,
      discardFraction: 0.1,
      log: { disk: 2000, offset: 4 * mebibyte, maxRecords: 2000 },
    });
    await vm.guestHasWritten(20);
    const snapshot = await takeSnapshot(client, vcenter);
    const logged = vm.guestLogNext;
    const disk = vm.disk(2000);
    const held = await disk.digest({ snapshot });
    await vm.guestHasWritten(50);
    expect(await disk.digest({ snapshot })).toBe(held);
    expect(await disk.digest()).not.toBe(held);
    const flat = join(root, String(started), 'datastore1', 'web', 'web-flat.vmdk');
    expect(await disk.firstDifference(flat, { snapshot })).toBeUndefined();
    const region = await disk.read(4 * mebibyte, 2000 * 512, { snapshot });
    expect(readGuestLog(region)).toBeLessThanOrEqual(logged);
    vm.powerOff();
    const latest = await disk.digest();
    await client.task(
      await client.call(
        'RemoveSnapshot_Task',
        `VirtualMachineSnapshot:${snapshot}`,
        '<removeChildren>false</removeChildren>',
      ),
    );
    expect(await disk.digest()).toBe(latest);
    expect(readGuestLog(await disk.read(4 * mebibyte, 2000 * 512))).toBe(vm.guestLogNext);
    expect((await readdir(join(flat, '..'))).toSorted()).toEqual(['web-flat.vmdk', 'web_1-flat.vmdk']);
  });

  test('a removal can be slow, leave disks to be consolidated, and refuse a second task meanwhile', async () => {
    await using vcenter = await start({ faults: { snapshotRemovalMs: 200, consolidationLeftover: 1 } });
    using client = await TestClient.login(vcenter);
    const vm = vcenter.vm('web');
    const snapshot = await takeSnapshot(client, vcenter);
    vm.disk(2000).write(0, Buffer.alloc(4096, 9));
    const removal = await client.call(
      'RemoveSnapshot_Task',
      `VirtualMachineSnapshot:${snapshot}`,
      '<removeChildren>false</removeChildren>',
    );
    const second = client
      .call('CreateSnapshot_Task', web(vcenter), snapshotArgs)
      .then((task) => client.task(task));
    await expect(second).rejects.toMatchObject({ name: 'TaskInProgress' });
    await client.task(removal);
    expect(vm.snapshots).toEqual([]);
    expect(valuesIn(await client.properties(web(vcenter), ['runtime.consolidationNeeded']), 'val')).toEqual([
      'true',
    ]);
    await client.task(await client.call('ConsolidateVMDisks_Task', web(vcenter)));
    expect(vm.consolidationNeeded).toBe(false);
    expect((await vm.disk(2000).read(0, 1))[0]).toBe(9);
  });

  test("a task's record vanishes while its effect stands", async () => {
    await using vcenter = await start({ faults: { taskVanishes: 1, taskMs: 0 } });
    using client = await TestClient.login(vcenter);
    await expect(takeSnapshot(client, vcenter)).rejects.toThrow(/ManagedObjectNotFound/);
    expect(vcenter.vm('web').snapshots).toHaveLength(1);
  });

  test('WaitForUpdatesEx tells of the end of a task, and nothing when nothing happens', async () => {
    await using vcenter = await start({ faults: { taskMs: 1000 } });
    using client = await TestClient.login(vcenter);
    const task = valueIn(await client.call('CreateSnapshot_Task', web(vcenter), snapshotArgs), 'returnval');
    const collector = valueIn(
      await client.call('CreatePropertyCollector', 'PropertyCollector:propertyCollector'),
      'returnval',
    );
    const target = `PropertyCollector:${collector}`;
    await client.call(
      'CreateFilter',
      target,
      `<spec><propSet><type>Task</type><pathSet>info.state</pathSet><pathSet>info.result</pathSet></propSet><objectSet><obj type="Task">${task}</obj></objectSet></spec><partialUpdates>false</partialUpdates>`,
    );
    const wait = (version: string, seconds: number) =>
      client.call(
        'WaitForUpdatesEx',
        target,
        `<version>${version}</version><options><maxWaitSeconds>${seconds}</maxWaitSeconds></options>`,
      );
    const first = await wait('', 5);
    expect(first).toContain('<kind>enter</kind>');
    expect(first).toContain('>running<');
    const second = await wait(valueIn(first, 'version'), 5);
    expect(second).toContain('<kind>modify</kind>');
    expect(second).toContain('>success<');
    expect(await wait(valueIn(first, 'version'), 5)).toBe(second);
    expect(await wait(valueIn(second, 'version'), 0)).toBe('');
    await expect(wait('77', 0)).rejects.toMatchObject({ name: 'InvalidCollectorVersion' });
    const waiting = wait(valueIn(second, 'version'), 30);
    await client.call('CancelWaitForUpdates', target);
    await Promise.allSettled([waiting]);
    await expect(waiting).rejects.toMatchObject({ name: 'RequestCanceled' });
  });
});

describe('changed block tracking', () => {
  const changeIdOf = async (client: TestClient, snapshot: string) =>
    valuesIn(
      await client.properties(`VirtualMachineSnapshot:${snapshot}`, ['config.hardware.device']),
      'changeId',
    )[0] ?? '';

  test('takes effect after a stun, not when it is switched on', async () => {
    await using vcenter = await start({ vms: [{ ...small, changeTracking: false }] });
    using client = await TestClient.login(vcenter);
    const on = '<spec><changeTrackingEnabled>true</changeTrackingEnabled></spec>';
    await client.task(await client.call('ReconfigVM_Task', web(vcenter), on));
    const stun = await takeSnapshot(client, vcenter);
    expect(await changeIdOf(client, stun)).toBe('');
    await expect(
      client.call('QueryChangedDiskAreas', web(vcenter), areaQuery(stun, 0, '*')),
    ).rejects.toMatchObject({ name: 'FileFault' });
    await vcenter.vm('web').removeSnapshot(stun);
    expect(await changeIdOf(client, await takeSnapshot(client, vcenter))).toMatch(/^52 .+\/\d+$/);
  });

  test('a reset, a grown disk and a query at the capacity are refused as vSphere does it', async () => {
    await using vcenter = await start();
    using client = await TestClient.login(vcenter);
    const vm = vcenter.vm('web');
    const first = await takeSnapshot(client, vcenter);
    const id = await changeIdOf(client, first);
    const query = (snapshot: string, offset: number, changeId: string) =>
      client.call('QueryChangedDiskAreas', web(vcenter), areaQuery(snapshot, offset, changeId));
    await expect(query(first, vm.disk(2000).capacityBytes, '*')).rejects.toMatchObject({
      name: 'InvalidArgument',
    });
    await vm.removeSnapshot(first);
    vm.growDisk(2000, 12 * mebibyte);
    const second = await takeSnapshot(client, vcenter);
    expect((await changeIdOf(client, second)).split('/')[0]).not.toBe(id.split('/')[0]);
    await expect(query(second, 0, id)).rejects.toMatchObject({ name: 'FileFault' });
  });

  test('a revert lowers the sequence under the same uuid', async () => {
    await using vcenter = await start();
    using client = await TestClient.login(vcenter);
    const vm = vcenter.vm('web');
    const early = await vm.takeSnapshot('early');
    for (const name of ['a', 'b', 'c']) await vm.removeSnapshot(await vm.takeSnapshot(name));
    const late = await takeSnapshot(client, vcenter);
    const lateId = await changeIdOf(client, late);
    await vm.revertToSnapshot(early);
    expect(vm.powerState).toBe('poweredOff');
    const after = await changeIdOf(client, await takeSnapshot(client, vcenter));
    expect(after.split('/')[0]).toBe(lateId.split('/')[0]);
    expect(Number(after.split('/')[1])).toBeLessThan(Number(lateId.split('/')[1]));
  });

  test('an area is left out when it is told to lie', async () => {
    await using vcenter = await start({ faults: { cbtLeaveOutArea: 1 } });
    using client = await TestClient.login(vcenter);
    const vm = vcenter.vm('web');
    const first = await takeSnapshot(client, vcenter);
    const id = await changeIdOf(client, first);
    for (const offset of [0, 2, 4]) vm.disk(2000).write(offset * mebibyte, Buffer.alloc(512, 1));
    const second = await takeSnapshot(client, vcenter);
    const answer = await client.call('QueryChangedDiskAreas', web(vcenter), areaQuery(second, 0, id));
    expect(valuesIn(answer, 'start')).toEqual(['0', String(4 * mebibyte)]);
  });
});

describe('/folder', () => {
  const flat = '/folder/web/web-flat.vmdk?dcPath=Sites%2FDC0&dsName=datastore1';

  test('the extent is locked while the VM runs, and free under a snapshot', async () => {
    await using vcenter = await start();
    using client = await TestClient.login(vcenter);
    expect(await client.send(flat)).toMatchObject({ status: 500 });
    const snapshot = await takeSnapshot(client, vcenter);
    vcenter.vm('web').disk(2000).write(0, Buffer.alloc(4096, 1));
    const head = await client.send(flat, {}, undefined, 'HEAD');
    expect(head.headers).toMatchObject({
      'content-length': String(8 * mebibyte + 512),
      'accept-ranges': 'bytes',
    });
    const disk = vcenter.vm('web').disk(2000);
    for (const [first, last] of [
      [0, 4095],
      [mebibyte - 1, 3 * mebibyte],
      [8 * mebibyte, 8 * mebibyte + 511],
    ] as const) {
      const reply = await client.send(flat, { range: `bytes=${first}-${last}` });
      expect(reply.status).toBe(206);
      expect(reply.headers['content-range']).toBe(`bytes ${first}-${last}/${8 * mebibyte + 512}`);
      expect(reply.body.equals(await disk.read(first, last - first + 1, { snapshot }))).toBe(true);
    }
    expect(await client.send(flat, { range: `bytes=${9 * mebibyte}-` })).toMatchObject({ status: 416 });
    expect(await client.send(flat.replace('web-flat', 'none'))).toMatchObject({ status: 404 });
    expect((await client.send('/folder/web?dcPath=Sites/DC0&dsName=datastore1')).body.toString()).toContain(
      'web-000001.vmdk',
    );
    expect((await client.send(flat.replace('-flat', ''))).body.toString()).toContain(
      'RW 16385 VMFS "web-flat.vmdk"',
    );
  });

  test('a ticket is good for one request, a password for all', async () => {
    await using vcenter = await start({ vms: [{ ...small, powerState: 'poweredOff' }] });
    using client = await TestClient.login(vcenter);
    const url = `${vcenter.origin}/folder/web/web-flat.vmdk?dsName=datastore1`;
    const answer = await client.call(
      'AcquireGenericServiceTicket',
      'SessionManager:SessionManager',
      `<spec xsi:type="SessionManagerHttpServiceRequestSpec"><method>httpGet</method><url>${url.replaceAll('&', '&amp;')}</url></spec>`,
    );
    using stranger = new TestClient(vcenter);
    const headers = { cookie: `vmware_cgi_ticket=${valueIn(answer, 'id')}`, range: 'bytes=0-511' };
    expect(await stranger.send(url, headers)).toMatchObject({ status: 206 });
    expect(await stranger.send(url, headers)).toMatchObject({ status: 401 });
    const basic = Buffer.from(`${vcenter.username}:${vcenter.password}`).toString('base64');
    expect(
      await stranger.send(flat, { authorization: `Basic ${basic}`, range: 'bytes=0-511' }),
    ).toMatchObject({ status: 206 });
  });

  test('resets, short bodies, refusals and bad ranges strike when they are switched on', async () => {
    await using vcenter = await start({ vms: [{ ...small, powerState: 'poweredOff' }] });
    using client = await TestClient.login(vcenter);
    const read = (first: number) => client.send(flat, { range: `bytes=${first}-${first + mebibyte - 1}` });
    const { faults } = vcenter;
    faults.folderUnavailable = 1;
    expect(await read(0)).toMatchObject({ status: 503 });
    faults.folderUnavailable = 0;
    faults.folderUnauthorizedNext = 1;
    expect(await read(0)).toMatchObject({ status: 401 });
    for (const fault of ['folderReset', 'folderShortBody'] as const) {
      faults[fault] = 1;
      await expect(read(0)).rejects.toThrow();
      faults[fault] = 0;
    }
    faults.folderBadRanges.push({ path: 'web-flat', offset: 2 * mebibyte + 4096, length: 512 });
    expect(await read(0)).toMatchObject({ status: 206 });
    await expect(read(2 * mebibyte)).rejects.toThrow();
    faults.folderIgnoresRange = true;
    expect(
      await client.send(
        '/folder/web/web_1-flat.vmdk?dcPath=Sites/DC0&dsName=datastore1',
        { range: 'bytes=0-0' },
        undefined,
        'HEAD',
      ),
    ).toMatchObject({ status: 200 });
  });
});

describe('a client that hangs up', () => {
  test('in mid-body is noticed, and the next one is served', async () => {
    await using vcenter = await start({ vms: [{ ...small, powerState: 'poweredOff' }] });
    using client = await TestClient.login(vcenter);
    const path = '/folder/web/web_1-flat.vmdk?dcPath=Sites/DC0&dsName=datastore1';
    const url = new URL(path, vcenter.origin);
    const request = get(url, { headers: { cookie: client.cookie }, rejectUnauthorized: false });
    const [reply] = await once(request, 'response');
    await once(reply, 'readable');
    request.on('error', () => undefined);
    request.destroy();
    await expect.poll(() => vcenter.calls.at(-1)?.outcome).toBe('hung up');
    expect(await client.send(path, { range: 'bytes=0-511' })).toMatchObject({ status: 206 });
  });
});

describe('NFC', () => {
  const oneDisk = {
    vms: [{ name: 'web', disks: [{ sizeBytes: mebibyte, fill: { seed: 1, dataFraction: 1 } }] }],
  };

  /** Exports a new snapshot. Answers the lease and its `info` once it is ready. */
  async function exportSnapshot(client: TestClient, vcenter: LabVcenter) {
    const snapshot = `VirtualMachineSnapshot:${await takeSnapshot(client, vcenter)}`;
    const lease = `HttpNfcLease:${valueIn(await client.call('ExportSnapshot', snapshot), 'returnval')}`;
    await expect.poll(() => client.properties(lease, ['state'])).toContain('>ready<');
    return { snapshot, lease, info: await client.properties(lease, ['info']) };
  }

  test('a snapshot is exported with a manifest', async () => {
    await using vcenter = await start(oneDisk);
    using client = await TestClient.login(vcenter);
    await expect(client.call('ExportVm', web(vcenter))).rejects.toMatchObject({ name: 'InvalidPowerState' });
    const { lease, info } = await exportSnapshot(client, vcenter);
    const key = valueIn(info, 'key');
    expect(key).toMatch(/^\/vm-\d+\/ParaVirtualSCSIController0:0$/);
    const sha256 = `<deviceUrlsToChecksumTypes><key>${key}</key><value>sha256</value></deviceUrlsToChecksumTypes>`;
    await client.call('HttpNfcLeaseSetManifestChecksumType', lease, sha256);
    const reply = await client.send(valueIn(info, 'url'));
    expect(reply.body.subarray(0, 4).toString()).toBe('KDMV');
    const manifest = await client.call('HttpNfcLeaseGetManifest', lease);
    expect(valueIn(manifest, 'size')).toBe(String(reply.body.length));
    expect(valueIn(manifest, 'sha1')).toBe(createHash('sha1').update(reply.body).digest('hex'));
    expect(valueIn(manifest, 'checksum')).toBe(createHash('sha256').update(reply.body).digest('hex'));
    await client.call('HttpNfcLeaseProgress', lease, '<percent>100</percent>');
    await client.call('HttpNfcLeaseComplete', lease);
    expect(await client.send(valueIn(info, 'url'))).toMatchObject({ status: 404 });
  });

  test('an export keeps tasks away, is its session’s alone, and runs out without progress', async () => {
    await using vcenter = await start({ ...oneDisk, faults: { nfcLeaseTimeoutSeconds: 1 } });
    using client = await TestClient.login(vcenter);
    const { snapshot, lease, info } = await exportSnapshot(client, vcenter);
    const removal = await client.call(
      'RemoveSnapshot_Task',
      snapshot,
      '<removeChildren>false</removeChildren>',
    );
    await expect
      .poll(() => client.properties(`Task:${valueIn(removal, 'returnval')}`, ['info.error']))
      .toContain('TaskInProgress');
    await expect(client.call('ExportSnapshot', snapshot)).rejects.toMatchObject({ name: 'TaskInProgress' });
    using other = await TestClient.login(vcenter);
    await expect(other.call('HttpNfcLeaseAbort', lease)).rejects.toMatchObject({
      name: 'ManagedObjectNotFound',
    });
    expect(vcenter.livingExports).toBe(1);
    await expect.poll(() => vcenter.livingExports, { timeout: 5000 }).toBe(0);
    expect(await client.send(valueIn(info, 'url'))).toMatchObject({ status: 404 });
    await expect(client.call('HttpNfcLeaseProgress', lease, '<percent>1</percent>')).rejects.toMatchObject({
      name: 'InvalidState',
    });
  });
});

test('one seed strikes the same calls', async () => {
  const outcomes = async (seed: number) => {
    await using vcenter = await start({ seed, faults: { soapUnavailable: 0.3 } });
    using client = new TestClient(vcenter);
    for (let call = 0; call < 20; call += 1) {
      await client.call('RetrieveServiceContent', 'ServiceInstance:ServiceInstance').catch(() => undefined);
    }
    return vcenter.calls.map(({ outcome }) => outcome).join(' ');
  };
  const first = await outcomes(5);
  expect(first).toContain('503');
  expect(first).toContain('ok');
  expect(await outcomes(5)).toBe(first);
  expect(await outcomes(6)).not.toBe(first);
});
