import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Inventory } from '../../appliance-agent/src/contract/index.ts';
import { VsphereClient } from '../../appliance-agent/src/vsphere/client.ts';
import { startVcenter, type VcenterFaults } from '../lab/vcenter/vcenter.ts';
import { type VsphereServer, vsphereServers, withFaults } from './vsphereServers.ts';

const minute = 60_000;

/** Adapters that are connected, or not, now and at the next start. */
function allOf(keys: readonly number[], connected: boolean) {
  return keys.map((key) => ({ key, connected, startConnected: connected }));
}

describe.each(vsphereServers)('the vSphere client at $name', ({ name, missing, start }) => {
  describe.skipIf(missing !== undefined)(missing ?? 'does what is documented', () => {
    const onlyLab = test.skipIf(name === 'vcsim');
    let server: VsphereServer;
    let client: VsphereClient;
    let inventory: Inventory;

    beforeAll(async () => {
      server = await start();
      client = await connect();
      inventory = await client.inventory();
    });
    afterAll(async () => {
      await client?.close();
      await server?.[Symbol.asyncDispose]();
    });

    async function connect(
      given: { to?: VsphereServer; fingerprint?: string; password?: string } = {},
    ): Promise<VsphereClient> {
      const { url, username, password, fingerprint } = given.to ?? server;
      return VsphereClient.connect({
        url,
        fingerprint: given.fingerprint ?? (await fingerprint()),
        credentials: async () => ({ username, password: given.password ?? password }),
      });
    }
    const under = <T>(faults: Partial<VcenterFaults>, work: () => Promise<T>) =>
      withFaults(lab(), faults, work);
    const lab = () => {
      if (server.lab === undefined) throw new Error('this test is for the lab');
      return server.lab;
    };
    const callsOf = (method: string) => lab().calls.filter((call) => call.method === method);

    describe('session', () => {
      test('a login tells what the server is', () => {
        expect(client.about.apiType).toBe('VirtualCenter');
        expect(client.about.instanceUuid).toMatch(/^[0-9a-f-]{36}$/);
        expect(client.about.version).toMatch(/^\d+\.\d+\.\d+$/);
        expect(client.about.fullName).toContain(client.about.version);
        expect(client.thumbprint).toMatch(/^([0-9A-F]{2}:){19}[0-9A-F]{2}$/);
      });

      test("the server's clock can be read", async () => {
        expect(Math.abs((await client.currentTime()).getTime() - Date.now())).toBeLessThan(minute);
      });

      test('a wrong password is told as such and leaves no session', async () => {
        const before = await server.sessions();
        const failed = await connect({ password: 'wr0ng-secret' }).catch((error: unknown) => error);
        expect(failed).toMatchObject({ code: 'vsphere.invalid-login', retryable: false });
        expect(String(failed)).not.toContain('wr0ng-secret');
        expect(await server.sessions()).toBe(before);
      });

      test('a certificate that is not the pinned one is refused, and both are named', async () => {
        const pinned = 'ab'.repeat(32);
        const before = server.lab?.calls.length;
        const shown = await server.fingerprint();
        await expect(connect({ fingerprint: pinned })).rejects.toMatchObject({
          code: 'vsphere.certificate-changed',
          value: shown,
          message: expect.stringContaining(pinned),
        });
        expect(server.lab?.calls.length).toBe(before);
      });

      onlyLab('a certificate that changes while connected is refused from then on', async () => {
        await using own = await start();
        await using connected = await connect({ to: own });
        const fresh = await own.lab?.changeCertificate();
        own.lab?.cutConnections();
        // A call that meets a connection before it is known to be cut finds nobody.
        await expect
          .poll(() => connected.currentTime().catch((error: unknown) => error))
          .toMatchObject({ code: 'vsphere.certificate-changed', value: fresh });
      });

      test('a session that the server ended is renewed, once for all calls that notice it', async () => {
        await client.currentTime();
        const before = server.lab && callsOf('Login').length;
        await server.endSessions();
        const [vm] = await Promise.all([
          client.findVm({ instanceUuid: knownVm().instanceUuid }),
          client.objects(),
          client.inventory(),
        ]);
        expect(vm?.name).toBe(server.inventory.vm.name);
        expect(await server.sessions()).toBe(1);
        if (before !== undefined) expect(callsOf('Login')).toHaveLength(before + 1);
      });

      onlyLab('a session that ends within an inventory does not end the inventory', async () => {
        await using other = await connect();
        // Two reads of a view: each of their calls is once the first that finds no session.
        for (const calls of [1, 2, 3, 4, 5, 6]) {
          lab().expireSessions();
          await other.currentTime();
          const before = callsOf('Login').length;
          const { reading } = await under({ sessionExpiresAfterCalls: calls }, async () => {
            const reading = other.inventory();
            await expect.poll(() => callsOf('Login').length, { interval: 1 }).toBe(before + 1);
            return { reading };
          });
          expect((await reading).vms.length).toBeGreaterThanOrEqual(2);
        }
      });

      test('a session is logged out at the end', async () => {
        const before = await server.sessions();
        {
          await using other = await connect();
          expect(await server.sessions()).toBe(before + 1);
          await other.currentTime();
        }
        expect(await server.sessions()).toBe(before);
      });

      test('a call can be given up', async () => {
        const reason = new Error('given up by the test');
        await expect(client.inventory(AbortSignal.abort(reason))).rejects.toBe(reason);
      });

      onlyLab('a server that is away or breaks off is unreachable for now', async () => {
        for (const fault of ['soapUnavailable', 'soapReset', 'soapResetAfter'] as const) {
          const failed = under({ [fault]: 1 }, () => client.currentTime());
          await expect(failed).rejects.toMatchObject({ code: 'vsphere.unreachable', retryable: true });
        }
      });
    });

    const namesOf = (kind: Inventory['objects'][number]['kind']) =>
      inventory.objects
        .filter((object) => object.kind === kind)
        .map((object) => object.name)
        .toSorted();
    const knownVm = () => {
      const found = inventory.vms.find((vm) => vm.name === server.inventory.vm.name);
      if (found === undefined) throw new Error('the known VM is not in the inventory');
      return found;
    };
    describe('inventory', () => {
      test('places, hosts, networks and datastores are all there, each in its place', () => {
        const known = server.inventory;
        expect(namesOf('datacenter')).toEqual([known.datacenter]);
        expect(namesOf('folder')).toEqual(known.folders);
        expect(namesOf('cluster')).toEqual(known.clusters);
        expect(namesOf('host')).toEqual(known.hosts);
        expect(namesOf('network')).toEqual(known.networks);
        expect(namesOf('distributed-port-group')).toEqual(known.portGroups);
        expect(namesOf('datastore')).toEqual(known.datastores);
        const moRefs = new Set<string>(inventory.objects.map((object) => object.moRef));
        const rootless = inventory.objects.filter(({ parent }) => !moRefs.has(parent ?? ''));
        expect(new Set(rootless.map(({ parent }) => parent)).size).toBe(1);
        for (const host of inventory.objects.filter(({ kind }) => kind === 'host')) {
          expect(host.detail).toMatch(/^\d+\.\d+\.\d+ build-\d+$/);
        }
        for (const datastore of inventory.objects.filter(({ kind }) => kind === 'datastore')) {
          expect(datastore.capacityBytes).toBeGreaterThan(datastore.freeBytes ?? Number.POSITIVE_INFINITY);
        }
      });

      test('VMs are all there, and one is as it is known: firmware, guest, power, hardware version …', () => {
        expect(inventory.vms.map((vm) => vm.name).toSorted()).toEqual(server.inventory.vms);
        const vm = knownVm();
        expect(vm).toMatchObject(server.inventory.vm);
        const host = inventory.objects.find(({ moRef }) => moRef === vm.host);
        expect(server.inventory.hosts).toContain(host?.name);
        expect(vm.datacenter).toBe(inventory.objects.find(({ kind }) => kind === 'datacenter')?.moRef);
        const placeNames = [...vm.networks, ...vm.datastores].map(
          (moRef) => inventory.objects.find((object) => object.moRef === moRef)?.name,
        );
        expect(placeNames).not.toContain(undefined);
      });

      test('disks have their key, backing UUID, capacity, mode and controller', () => {
        const { disks } = knownVm();
        expect(disks).toHaveLength(server.inventory.disks.length);
        expect(disks).toEqual(server.inventory.disks.map((disk) => expect.objectContaining(disk)));
        for (const { datastore } of disks) expect(knownVm().datastores).toContain(datastore);
      });

      test('adapters have their key, address, network and kind', () => {
        const { nics } = knownVm();
        expect(nics).toEqual(server.inventory.nics.map((nic) => expect.objectContaining(nic)));
        for (const { mac } of nics) expect(mac).toMatch(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/);
        for (const { network } of nics) expect(knownVm().networks).toContain(network);
      });

      onlyLab(
        'an inventory of several pages is whole, also where the session ends between them',
        async () => {
          const size = 600;
          const dataDir = await mkdtemp(path.join(tmpdir(), 'conformance-pages-'));
          let pages = 0;
          let endedBeforePage = 0;
          await using many = await startVcenter({
            dataDir,
            vms: [],
            inventorySize: size,
            onCall: ({ method }) => {
              if (method === 'RetrievePropertiesEx' || method === 'ContinueRetrievePropertiesEx') pages += 1;
              if (pages + 1 === endedBeforePage) many.expireSessions();
            },
          });
          const { url, fingerprint } = many;
          await using other = await VsphereClient.connect({
            url,
            fingerprint,
            credentials: async () => many,
          });
          const { vms } = await other.inventory();
          expect(new Set(vms.map((vm) => vm.instanceUuid)).size).toBe(size);
          // One of places, and two of VMs.
          expect(pages).toBe(3);
          endedBeforePage = 6;
          const again = await other.inventory();
          expect(again.vms.map((vm) => vm.moRef)).toEqual(vms.map((vm) => vm.moRef));
          expect(many.calls.filter(({ method }) => method === 'Login')).toHaveLength(2);
        },
      );

      test('one VM is read as it is in the inventory, and found by its instance UUID', async () => {
        // Tags are asked for apart from it.
        const known = { ...knownVm(), tags: [] };
        expect(await client.vm(known.moRef)).toEqual(known);
        expect(await client.findVm({ instanceUuid: known.instanceUuid })).toEqual(known);
        const nobody = '00000000-0000-4000-8000-000000000000';
        expect(await client.findVm({ instanceUuid: nobody })).toBeUndefined();
      });

      test('a VM that is gone is not found, and named', async () => {
        await expect(client.vm(knownVm().moRef.replace(/\d+$/, '999999') as never)).rejects.toMatchObject({
          code: 'vsphere.not-found',
          message: expect.stringContaining('999999'),
        });
      });

      test('a VM that is off has its power state', async () => {
        const vm = await server.freshVm();
        await client.powerOff(vm.moRef);
        expect(await client.vm(vm.moRef)).toMatchObject({ powerState: 'poweredOff' });
      });
    });

    describe('snapshots', () => {
      const options = { name: 'ossea-migrate 1', description: 'Taken by a test.', quiesce: false };

      test('a snapshot is taken under a token, found again, and taken once', async () => {
        const vm = await server.freshVm();
        expect(await client.findSnapshot(vm.moRef, options.name)).toBeUndefined();
        const snapshot = await client.createSnapshot(vm.moRef, options);
        expect(await client.findSnapshot(vm.moRef, options.name)).toBe(snapshot);
        expect(await client.createSnapshot(vm.moRef, options)).toBe(snapshot);
        expect(await server.snapshotNames(vm)).toEqual([options.name]);
        expect((await client.vm(vm.moRef)).snapshots).toEqual([
          expect.objectContaining({
            moRef: snapshot,
            name: options.name,
            description: options.description,
            createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
          }),
        ]);
      });

      test("pitfall 27: others' snapshots, above and below, outlive ours", async () => {
        const vm = await server.freshVm();
        await server.takeForeignSnapshot(vm, 'backup of tonight');
        const ours = await client.createSnapshot(vm.moRef, options);
        await server.takeForeignSnapshot(vm, 'ossea-migrate 12');
        const [root, middle, top] = (await client.vm(vm.moRef)).snapshots;
        expect([root?.parent, middle?.parent, top?.parent]).toEqual([undefined, root?.moRef, ours]);
        await client.removeSnapshot(ours, { consolidate: true, timeoutMs: minute });
        expect(await server.snapshotNames(vm)).toEqual(['backup of tonight', 'ossea-migrate 12']);
        expect(await client.findSnapshot(vm.moRef, options.name)).toBeUndefined();
      });

      test('the removal of a snapshot that is gone says so', async () => {
        const vm = await server.freshVm();
        const snapshot = await client.createSnapshot(vm.moRef, options);
        await client.removeSnapshot(snapshot, { consolidate: true, timeoutMs: minute });
        expect(await server.snapshotNames(vm)).toEqual([]);
        await expect(
          client.removeSnapshot(snapshot, { consolidate: true, timeoutMs: minute }),
        ).rejects.toMatchObject({ code: 'vsphere.not-found' });
      });

      onlyLab('a snapshot whose task is forgotten by the server is judged by what is there', async () => {
        const vm = await server.freshVm();
        const snapshot = await under({ taskVanishes: 1, taskMs: 100 }, () =>
          client.createSnapshot(vm.moRef, options),
        );
        expect(lab().vm(vm.name).snapshots).toEqual([expect.objectContaining({ moRef: snapshot })]);
      });

      onlyLab('a change whose task is forgotten by the server may be asked for again', async () => {
        const vm = await server.freshVm();
        const nics = (await client.vm(vm.moRef)).nics.map(({ key }) => key);
        const forgotten = under({ taskVanishes: 1 }, () => client.connectNics(vm.moRef, allOf(nics, false)));
        await expect(forgotten).rejects.toMatchObject({ code: 'vsphere.not-found', retryable: true });
        await client.connectNics(vm.moRef, allOf(nics, false));
        expect(lab().vm(vm.name).fenced).toBe(true);
      });

      onlyLab('a snapshot whose answer was lost is waited for, and not taken again', async () => {
        const vm = await server.freshVm();
        const snapshot = await under({ taskMs: 300 }, async () => {
          const lost = client.createSnapshot(vm.moRef, options, AbortSignal.timeout(150));
          await expect(lost).rejects.toMatchObject({ name: 'TimeoutError' });
          return client.createSnapshot(vm.moRef, options);
        });
        expect(lab().vm(vm.name).snapshots).toEqual([expect.objectContaining({ moRef: snapshot })]);
      });

      onlyLab('a session that ends while a task is waited for does not lose the task', async () => {
        const vm = await server.freshVm();
        await under({ taskMs: 500 }, async () => {
          const off = client.powerOff(vm.moRef);
          await expect.poll(() => callsOf('PowerOffVM_Task').at(-1)?.target).toBe(vm.moRef);
          lab().expireSessions();
          await off;
        });
        expect(lab().vm(vm.name).powerState).toBe('poweredOff');
      });

      onlyLab('a failed task is told with its subject and what to do', async () => {
        const vm = await server.freshVm();
        const failed = under({ createSnapshotFails: 1 }, () => client.createSnapshot(vm.moRef, options));
        await expect(failed).rejects.toMatchObject({
          code: 'vsphere.task-failed',
          message: expect.stringContaining(vm.moRef),
        });
        expect(await server.snapshotNames(vm)).toEqual([]);
      });

      onlyLab('pitfall 20: a quiesced snapshot that fails tells so; one without quiescing goes', async () => {
        const vm = await server.freshVm();
        await under({ quiesceFails: true }, async () => {
          const quiesced = client.createSnapshot(vm.moRef, { ...options, quiesce: true });
          await expect(quiesced).rejects.toMatchObject({
            code: 'vsphere.quiesce-failed',
            remedy: expect.stringContaining('without quiescing'),
          });
          expect(await client.createSnapshot(vm.moRef, options)).toMatch(/^snapshot-/);
        });
      });

      onlyLab('disks that a removal left behind are consolidated', async () => {
        const vm = await server.freshVm();
        const snapshot = await client.createSnapshot(vm.moRef, options);
        await under({ consolidationLeftover: 1 }, () =>
          client.removeSnapshot(snapshot, { consolidate: true, timeoutMs: minute }),
        );
        expect(await client.vm(vm.moRef)).toMatchObject({ consolidationNeeded: true, snapshots: [] });
        await client.consolidate(vm.moRef);
        expect(await client.vm(vm.moRef)).toMatchObject({ consolidationNeeded: false });
      });

      onlyLab('a removal that takes longer than it may is told, and goes on', async () => {
        const vm = await server.freshVm();
        const snapshot = await client.createSnapshot(vm.moRef, options);
        const removal = under({ snapshotRemovalMs: 1500 }, () =>
          client.removeSnapshot(snapshot, { consolidate: true, timeoutMs: 100 }),
        );
        await expect(removal).rejects.toMatchObject({ code: 'vsphere.timeout', retryable: true });
        await expect.poll(() => server.snapshotNames(vm), { timeout: 5000 }).toEqual([]);
      });
    });

    describe('what is done to a VM', () => {
      test('it is powered off and on again', async () => {
        const { moRef } = await server.freshVm();
        expect(await client.powerState(moRef)).toBe('poweredOn');
        await client.powerOff(moRef);
        expect(await client.powerState(moRef)).toBe('poweredOff');
        await expect(client.powerOff(moRef)).rejects.toMatchObject({ code: 'vsphere.task-failed' });
        await client.powerOn(moRef);
        expect(await client.powerState(moRef)).toBe('poweredOn');
      });

      test('its guest is shut down', async () => {
        const { moRef } = await server.freshVm();
        await client.shutdownGuest(moRef);
        await expect.poll(() => client.powerState(moRef), { timeout: 5000 }).toBe('poweredOff');
        await expect(client.shutdownGuest(moRef)).rejects.toMatchObject({ code: 'vsphere.task-failed' });
      });

      onlyLab('pitfall 21: that a VM ran between two looks shows, though it is off at both', async () => {
        const vm = await server.freshVm();
        await client.powerOff(vm.moRef);
        const before = await client.powerMark(vm.moRef);
        expect(await client.powerMark(vm.moRef)).toEqual(before);
        await client.powerOn(vm.moRef);
        expect((await client.powerMark(vm.moRef)).bootTime).toBeDefined();
        await client.powerOff(vm.moRef);
        const after = await client.powerMark(vm.moRef);
        expect(after).toMatchObject({ powerState: 'poweredOff', bootTime: undefined });
        expect(after).not.toEqual(before);
      });

      test('a mark of its power is the same for as long as nothing happens to it', async () => {
        const { moRef } = await server.freshVm();
        const before = await client.powerMark(moRef);
        expect(before.powerState).toBe('poweredOn');
        expect(await client.powerMark(moRef)).toEqual(before);
        await client.powerOff(moRef);
        expect((await client.powerMark(moRef)).powerState).toBe('poweredOff');
      });

      onlyLab('a guest without tools cannot be shut down, and that is told', async () => {
        const vm = await lab().addVm({ name: 'toolless', tools: 'notRunning' });
        const found = await client.findVm({ instanceUuid: vm.instanceUuid });
        expect(found?.toolsState).toBe('notRunning');
        await expect(client.shutdownGuest(found?.moRef ?? knownVm().moRef)).rejects.toMatchObject({
          code: 'vsphere.task-failed',
          remedy: expect.stringContaining('VMware Tools'),
        });
      });

      test('it is renamed, to any characters', async () => {
        const { moRef } = await server.freshVm();
        for (const wanted of ['web (migrated) & <done>', 'ü 名', 'a/b 50% \\c']) {
          await client.rename(moRef, wanted);
          expect(await client.vm(moRef)).toMatchObject({ name: wanted });
        }
      });

      test('its adapters are disconnected and connected again, and nothing else of them changes', async () => {
        const { moRef } = await server.freshVm();
        const { nics } = await client.vm(moRef);
        const keys = nics.map((nic) => nic.key);
        for (const connected of [false, true]) {
          await client.connectNics(moRef, allOf(keys, connected));
          const expected = nics.map((nic) => ({ ...nic, connected, startConnected: connected }));
          expect((await client.vm(moRef)).nics).toEqual(expected);
        }
      });

      onlyLab('of several adapters only those that are named change', async () => {
        const { moRef, nics } = knownVm();
        await client.connectNics(moRef, allOf([4000], false));
        expect((await client.vm(moRef)).nics).toEqual([
          { ...nics[0], connected: false, startConnected: false },
          nics[1],
        ]);
        await client.connectNics(moRef, allOf([4000], true));
      });

      onlyLab('an adapter of a VM that is off is disconnected for its next start', async () => {
        const vm = await server.freshVm();
        await client.powerOff(vm.moRef);
        await client.connectNics(vm.moRef, allOf([4000], false));
        await client.powerOn(vm.moRef);
        expect(lab().vm(vm.name).fenced).toBe(true);
      });
    });

    describe('privileges', () => {
      test('an administrator lacks none', async () => {
        expect(await client.missingPrivileges()).toEqual([]);
      });

      onlyLab('those that are missing are named, with their object and what they are for', async () => {
        const deniedPrivileges = ['VirtualMachine.State.CreateSnapshot', 'Datastore.Browse'];
        const snapshot = { name: 'x', description: '', quiesce: false };
        const [missing, refused] = await under({ deniedPrivileges }, () =>
          Promise.all([
            client.missingPrivileges(),
            client.createSnapshot(knownVm().moRef, snapshot).catch((error: unknown) => error),
          ]),
        );
        expect(missing.map(({ privilege, objectName }) => [privilege, objectName])).toEqual([
          ['VirtualMachine.State.CreateSnapshot', 'the root folder'],
          ...server.inventory.datastores.map((datastore) => ['Datastore.Browse', datastore]),
        ]);
        expect(missing[0]?.neededFor).toBe('a consistent point of all disks');
        expect(refused).toMatchObject({
          code: 'vsphere.no-permission',
          message: expect.stringContaining('VirtualMachine.State.CreateSnapshot'),
        });
      });
    });
  });
});
