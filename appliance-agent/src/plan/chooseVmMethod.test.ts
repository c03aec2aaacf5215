import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CloudCapabilities, CloudId } from '../contract/index.ts';
import { chooseVmMethod, type VmMethod, type VmMethodFacts } from './chooseVmMethod.ts';

const nothing: CloudCapabilities = {
  version: '4.20.1.0',
  deployFromVolume: false,
  deployFromSnapshot: false,
  importVolume: false,
  importVm: false,
  unmanageVolume: false,
  vmLease: false,
};
const templateId = CloudId.parse('template');
const nfs = { type: 'NetworkFilesystem', scope: 'ZONE' };

describe('chooseVmMethod', () => {
  it.each<[string, Partial<CloudCapabilities>, VmMethodFacts, string, RegExp]>([
    [
      'deploys from the volume where CloudStack does',
      { deployFromVolume: true },
      { templateId },
      'deploy-from-volume',
      /^CloudStack makes the VM of the volume itself\.$/,
    ],
    [
      'also where the pool is zone-wide',
      { deployFromVolume: true },
      { pool: nfs },
      'deploy-from-volume',
      /itself/,
    ],
    [
      'not from a cluster-wide pool',
      { deployFromVolume: true },
      { templateId, pool: { type: 'NetworkFilesystem', scope: 'CLUSTER' } },
      'shell-vm',
      /cluster-wide; a stopped VM is made of the template/,
    ],
    [
      'swaps the root disk of a shell before 4.21',
      {},
      { templateId },
      'shell-vm',
      /^CloudStack 4\.20\.1\.0 deploys no VM from a volume; a stopped VM/,
    ],
    [
      'imports where there is no template, as an administrator',
      { importVm: true, unmanageVolume: true },
      { pool: nfs },
      'import',
      /no template is chosen.*takes it in/,
    ],
    [
      'imports nothing from Ceph',
      { importVm: true, unmanageVolume: true },
      { pool: { type: 'RBD', scope: 'ZONE' } },
      'none',
      /storage of the kind RBD\.$/,
    ],
    [
      'imports nothing from a shared mount point, whose volumes CloudStack does not let go',
      { importVm: true, unmanageVolume: true },
      { pool: { type: 'SharedMountPoint', scope: 'CLUSTER' } },
      'none',
      /storage of the kind SharedMountPoint\.$/,
    ],
    [
      'goes on to the next way when one was refused',
      { deployFromVolume: true },
      { templateId, refused: new Set<VmMethod>(['deploy-from-volume']) },
      'shell-vm',
      /refused to deploy from the volume; a stopped VM/,
    ],
    ['says all that is missing', {}, {}, 'none', /4\.20\.1\.0.*no template.*administrator’s right\.$/],
  ])('%s', (_name, can, facts, kind, reason) => {
    expect(chooseVmMethod({ ...nothing, ...can }, facts)).toEqual({
      kind,
      reason: expect.stringMatching(reason),
    });
  });

  it('never takes a way that was refused, and always gives a reason', () => {
    const methods: VmMethod[] = ['deploy-from-volume', 'shell-vm', 'import'];
    fc.assert(
      fc.property(
        fc.boolean(),
        fc.boolean(),
        fc.boolean(),
        fc.option(fc.constant(templateId), { nil: undefined }),
        fc.subarray(methods),
        (deployFromVolume, importVm, unmanageVolume, template, refused) => {
          const { kind, reason } = chooseVmMethod(
            { ...nothing, deployFromVolume, importVm, unmanageVolume },
            { templateId: template, refused: new Set(refused) },
          );
          expect(refused).not.toContain(kind);
          expect(reason).toMatch(/^[A-Z].*\.$/);
        },
      ),
    );
  });
});
