import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TestClient, valueIn, valuesIn } from './testClient.ts';
import { startVcenter } from './vcenter.ts';

const capacity = 40 * 65_536 + 512;
const sectors = capacity / 512;

const action = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constantFrom('write' as const, 'write' as const, 'discard' as const),
      start: fc.nat(sectors - 1),
      count: fc.integer({ min: 1, max: 200 }),
      byte: fc.nat(255),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('foreign' as const), stays: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
);

test('whatever happens between two snapshots, the areas hold every byte that differs', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'lab-areas-'));
  await using vcenter = await startVcenter({
    dataDir,
    faults: { cbtMaxAreas: 2, cbtEmptyPages: 0.3, cbtMaxSpanBytes: 9 * 65_536 },
    vms: [{ name: 'vm', disks: [{ sizeBytes: capacity, fill: { seed: 1, dataFraction: 1 } }] }],
  });
  using client = await TestClient.login(vcenter);
  const vm = vcenter.vm('vm');
  const disk = vm.disk(2000);

  const changeIdOf = async (snapshot: string) =>
    valueIn(
      await client.properties(`VirtualMachineSnapshot:${snapshot}`, ['config.hardware.device']),
      'changeId',
    );
  const areasBetween = async (snapshot: string, changeId: string) => {
    const changed = new Uint8Array(capacity);
    for (let offset = 0; offset < capacity; ) {
      const answer = await client.call(
        'QueryChangedDiskAreas',
        `VirtualMachine:${vm.moRef}`,
        `<snapshot type="VirtualMachineSnapshot">${snapshot}</snapshot><deviceKey>2000</deviceKey><startOffset>${offset}</startOffset><changeId>${changeId}</changeId>`,
      );
      const [covered = '', ...lengths] = valuesIn(answer, 'length');
      for (const [index, start] of valuesIn(answer, 'start').entries()) {
        changed.fill(1, Number(start), Number(start) + Number(lengths[index]));
      }
      offset += Number(covered);
    }
    return changed;
  };

  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 25 }), async (actions) => {
      const first = await vm.takeSnapshot('first');
      for (const each of actions) {
        if (each.kind === 'foreign') {
          const foreign = await vm.takeSnapshot('foreign');
          if (!each.stays) await vm.removeSnapshot(foreign);
        } else if (each.kind === 'restart') {
          vm.powerOff();
          vm.powerOn();
        } else {
          const [offset, length] = [each.start * 512, Math.min(each.count, sectors - each.start) * 512];
          if (each.kind === 'write') disk.write(offset, Buffer.alloc(length, each.byte));
          else disk.discard(offset, length);
        }
      }
      const second = await vm.takeSnapshot('second');
      const changed = await areasBetween(second, await changeIdOf(first));
      const before = await disk.read(0, capacity, { snapshot: first });
      const after = await disk.read(0, capacity, { snapshot: second });
      for (let offset = 0; offset < capacity; offset += 512) {
        const same = before.subarray(offset, offset + 512).equals(after.subarray(offset, offset + 512));
        if (!same && changed.subarray(offset, offset + 512).includes(0)) {
          expect.fail(`the sector at ${offset} changed, and no area holds it`);
        }
      }
      for (const { moRef } of vm.snapshots) await vm.removeSnapshot(moRef);
      expect((await disk.read(0, capacity)).equals(after)).toBe(true);
    }),
    { numRuns: 25 },
  );
  await rm(dataDir, { recursive: true, force: true });
});
