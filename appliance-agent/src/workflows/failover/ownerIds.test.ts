import fc from 'fast-check';
import { expect, it } from 'vitest';
import { AgentId } from '../../contract/index.ts';
import { macOf, ownerIdOf } from './ownerIds.ts';

it('ids of what a failover makes are UUIDs, follow from it, and differ from each other', () => {
  fc.assert(
    fc.property(fc.uuid(), fc.uuid(), (failover, disk) => {
      const id = ownerIdOf(failover, 'clone', disk);
      expect(AgentId.safeParse(id).success).toBe(true);
      expect(ownerIdOf(failover, 'clone', disk)).toBe(id);
      const others = [
        ownerIdOf(failover, 'snapshot', disk),
        ownerIdOf(disk, 'clone', failover),
        ownerIdOf(failover, 'clone', `${disk} `),
      ];
      if (failover !== disk) expect(others).not.toContain(id);
    }),
  );
});

it('MAC addresses are unicast, locally administered, not among those that are taken, and the same again', () => {
  fc.assert(
    fc.property(fc.uuid(), fc.integer({ min: 4000, max: 4010 }), (failover, key) => {
      const mac = macOf(failover, key, new Set());
      expect(mac).toMatch(/^06(:[0-9a-f]{2}){5}$/);
      expect(macOf(failover, key, new Set())).toBe(mac);
      expect(macOf(failover, key, new Set([mac]))).not.toBe(mac);
    }),
  );
});
