import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ByteRange } from '../../appliance-agent/src/disk/extent.ts';
import { continuityOf } from '../../appliance-agent/src/vsphere/changeId.ts';
import { VsphereClient } from '../../appliance-agent/src/vsphere/client.ts';
import type { VcenterFaults } from '../lab/vcenter/vcenter.ts';
import {
  areasPerPage,
  type KnownVm,
  type VsphereServer,
  vsphereServers,
  withFaults,
} from './vsphereServers.ts';

const block = 65_536;

describe.each(vsphereServers)('changed blocks at $name', ({ name, missing, start }) => {
  describe.skipIf(missing !== undefined)(missing ?? 'are told as documented', () => {
    const onlyLab = test.skipIf(name === 'vcsim');
    let server: VsphereServer;
    let client: VsphereClient;

    beforeAll(async () => {
      server = await start();
      const { url, username, password } = server;
      const fingerprint = await server.fingerprint();
      client = await VsphereClient.connect({
        url,
        fingerprint,
        credentials: async () => ({ username, password }),
      });
    });
    afterAll(async () => {
      await client?.close();
      await server?.[Symbol.asyncDispose]();
    });
    const lab = () => {
      if (server.lab === undefined) throw new Error('this test is for the lab');
      return server.lab;
    };
    const under = <T>(faults: Partial<VcenterFaults>, work: () => Promise<T>) =>
      withFaults(lab(), faults, work);
    const callsOf = (method: string) => lab().calls.filter((call) => call.method === method);

    test('pitfall 6: tracking is switched on, and the snapshot that makes it count is gone', async () => {
      const vm = server.lab ? await untrackedVm() : await server.freshVm();
      expect(await client.vm(vm.moRef)).toMatchObject({ changeTracking: false });
      await client.enableChangeTracking(vm.moRef, 'ossea-migrate stun');
      expect(await client.vm(vm.moRef)).toMatchObject({ changeTracking: true, snapshots: [] });
      const snapshot = await client.createSnapshot(vm.moRef, named(1));
      const [disk] = await client.snapshotDisks(snapshot);
      expect(continuityOf(disk?.changeId ?? '', disk?.changeId ?? '')).toBe('continues');
    });

    const named = (run: number) => ({ name: `ossea-migrate ${run}`, description: '', quiesce: false });

    async function untrackedVm(): Promise<KnownVm> {
      const sizeBytes = block;
      const vm = await lab().addVm({ name: 'untracked', changeTracking: false, disks: [{ sizeBytes }] });
      const moRef = (await client.findVm({ instanceUuid: vm.instanceUuid }))?.moRef;
      if (moRef === undefined) throw new Error('the VM that was just made is not found');
      return { moRef, name: vm.name, diskKey: 2000, capacityBytes: sizeBytes };
    }

    /** Takes two snapshots with changes before, between and after them, and answers the areas between. */
    async function areasBetween(vm: KnownVm, changes: readonly ByteRange[]): Promise<ByteRange[]> {
      if (server.lab) await server.changeDisk(vm, [{ offset: 3 * block, length: block }]);
      const first = await client.createSnapshot(vm.moRef, named(1));
      const changeId = await changeIdOf(first);
      await server.changeDisk(vm, changes);
      const second = await client.createSnapshot(vm.moRef, named(2));
      if (server.lab) await server.changeDisk(vm, [{ offset: 5 * block, length: block }]);
      expect(continuityOf(changeId, await changeIdOf(second))).toBe('continues');
      return ask(vm, second, changeId);
    }

    async function changeIdOf(snapshot: Awaited<ReturnType<VsphereClient['createSnapshot']>>) {
      const [disk] = await client.snapshotDisks(snapshot);
      return disk?.changeId ?? '';
    }

    function ask(vm: KnownVm, snapshot: Parameters<typeof changeIdOf>[0], changeId: string) {
      const { moRef, diskKey: deviceKey, capacityBytes } = vm;
      return Array.fromAsync(
        client.changedAreas({ vm: moRef, snapshot, deviceKey, capacityBytes, changeId }),
      );
    }

    const every = (step: number, count: number): ByteRange[] =>
      Array.from({ length: count }, (_, index) => ({ offset: index * step * block, length: block }));

    test('pitfall 1: all pages are read, and each says what it covers', async () => {
      const changes = every(4, 3 * areasPerPage + 1);
      expect(await areasBetween(await server.freshVm(), changes)).toEqual(changes);
    });

    onlyLab('pitfall 1: an empty page is not the end, and a page may end at a span', async () => {
      const changes = every(8, 4).map(({ offset, length }) => ({ offset: offset + block, length }));
      const before = callsOf('QueryChangedDiskAreas').length;
      const found = await under({ cbtEmptyPages: 1, cbtMaxSpanBytes: 3 * block }, async () =>
        areasBetween(await server.freshVm(), changes),
      );
      expect(found).toEqual(changes);
      const pages = Math.ceil((40 * block + 512) / (3 * block));
      expect(callsOf('QueryChangedDiskAreas').length - before).toBeGreaterThanOrEqual(pages);
    });

    test('pitfall 2: the capacity, where the last area ends, is not asked for', async () => {
      const vm = await server.freshVm();
      const tail = vm.capacityBytes % block || block;
      const last = { offset: vm.capacityBytes - tail, length: tail };
      expect(await areasBetween(vm, [last])).toEqual([last]);
      expect(await areasBetween(await server.freshVm(), [])).toEqual([]);
    });

    test('pitfall 3: a change id is taken from the snapshot, and holds what changed since', async () => {
      const vm = await server.freshVm();
      const changes = [{ offset: 8 * block, length: 2 * block }];
      expect(await areasBetween(vm, changes)).toEqual(changes);
    });

    onlyLab("pitfall 3: the running disk's change id is another than the snapshot's", async () => {
      const vm = await server.freshVm();
      const changeId = await changeIdOf(await client.createSnapshot(vm.moRef, named(1)));
      const running = (await client.vm(vm.moRef)).disks[0]?.changeId;
      expect(running).not.toBe(changeId);
    });

    onlyLab('pitfall 4: after a revert the change id goes back, and nothing continues', async () => {
      const vm = await server.freshVm();
      await server.takeForeignSnapshot(vm, 'early');
      for (const each of ['a', 'b']) await lab().vm(vm.name).takeSnapshot(each);
      const before = await changeIdOf(await client.createSnapshot(vm.moRef, named(1)));
      await lab().vm(vm.name).revertToSnapshot('early');
      const after = await changeIdOf(await client.createSnapshot(vm.moRef, named(2)));
      expect(continuityOf(before, after)).toBe('reverted');
    });

    test('pitfall 5: “*” answers areas within the disk', async () => {
      const vm = await server.freshVm();
      await server.changeDisk(vm, [{ offset: 8 * block, length: block }]);
      const snapshot = await client.createSnapshot(vm.moRef, named(1));
      const used = await ask(vm, snapshot, '*');
      const holds = ({ offset, length }: ByteRange) => offset <= 8 * block && offset + length >= 9 * block;
      expect(used.some(holds)).toBe(true);
      expect(Math.max(...used.map(({ offset, length }) => offset + length))).toBeLessThanOrEqual(
        vm.capacityBytes,
      );
    });

    onlyLab('pitfall 5: “*” may be the whole disk, or fail as the tracking does', async () => {
      const vm = await server.freshVm();
      const snapshot = await client.createSnapshot(vm.moRef, named(1));
      const whole = await under({ cbtStarIsWholeDisk: true }, () => ask(vm, snapshot, '*'));
      expect(whole).toEqual([{ offset: 0, length: vm.capacityBytes }]);
      const failed = under({ cbtStarFails: true }, () => ask(vm, snapshot, '*'));
      await expect(failed).rejects.toMatchObject({ code: 'vsphere.file-fault' });
    });

    onlyLab('pitfall 7: after a reset, an older change id is a file fault', async () => {
      const vm = await server.freshVm();
      const first = await client.createSnapshot(vm.moRef, named(1));
      const changeId = await changeIdOf(first);
      lab().vm(vm.name).disk(vm.diskKey).resetChangeTracking();
      const second = await client.createSnapshot(vm.moRef, named(2));
      expect(continuityOf(changeId, await changeIdOf(second))).toBe('reset');
      await expect(ask(vm, second, changeId)).rejects.toMatchObject({ code: 'vsphere.file-fault' });
    });

    onlyLab('pitfall 12: an area that reaches past the capacity is cut there', async () => {
      const vm = await server.freshVm();
      const last = { offset: vm.capacityBytes - 512, length: 512 };
      expect(await under({ cbtRoundsUp: true }, () => areasBetween(vm, [last]))).toEqual([last]);
    });
  });
});
