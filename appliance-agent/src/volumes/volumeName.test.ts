import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tokenOf } from '../cloudstack/ownership.ts';
import { ceilToGib, gibToBytes, nameForPeople, volumeName } from './volumeName.ts';

describe('volumeName', () => {
  it('carries VM, disk and token, and fits CloudStack, a shell and a file name', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), fc.uuid(), (vm, disk, recordId) => {
        const name = volumeName(vm, disk, recordId);
        expect(name).toMatch(/^ossea-[A-Za-z0-9-]+$/);
        expect(name.length).toBeLessThan(100);
        expect(name.endsWith(`-${tokenOf(recordId)}`)).toBe(true);
      }),
    );
  });

  it('has another token for UUIDs made in the same millisecond', () => {
    const first = tokenOf('0199f3a2-7c41-7d11-8000-1c6f2a9b3e01');
    expect(tokenOf('0199f3a2-7c41-7d11-8000-7be0c4d1a252')).not.toBe(first);
  });

  it('keeps what people recognise', () => {
    expect(nameForPeople('  DB-Server (Köln) #2', 40)).toBe('DB-Server-Koln-2');
    expect(nameForPeople('東京', 40)).toBe('unnamed');
  });
});

describe('ceilToGib', () => {
  it('never rounds down and never wastes a whole GiB', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 50 }), (bytes) => {
        const size = gibToBytes(ceilToGib(bytes));
        expect(size).toBeGreaterThanOrEqual(bytes);
        expect(size - bytes).toBeLessThan(1024 ** 3);
      }),
    );
  });
});
