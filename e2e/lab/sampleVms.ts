import type { LabVmSpec } from './vcenter/vcenter.ts';

const mebibyte = 2 ** 20;
const sectorBytes = 512;

/**
 * The VMs that the lab begins with: one to four disks, thin and thick, with sizes that are no multiple of anything, mostly
 * holes, some with a guest that keeps writing, some with what a preflight should name.
 * @param fullSize disks of about a GiB, as people want to see them; else a twentieth of it, for tests
 */
export function sampleVms(fullSize: boolean): LabVmSpec[] {
  const size = (mebibytes: number): number => (fullSize ? mebibytes : Math.ceil(mebibytes / 20)) * mebibyte;
  const oddSectors = (fullSize ? 1_000_001 : 50_001) * sectorBytes;
  return [
    {
      name: 'web-01',
      folder: 'production/web',
      annotation: 'Front end of the shop',
      disks: [{ sizeBytes: size(1024), fill: { seed: 1, dataFraction: 0.2, pattern: 'text' } }],
      nics: [{ ipAddresses: ['192.0.2.10/24'] }],
      guestHostName: 'web-01.example',
      guest: { writesPerSecond: 20, workingSet: 0.3 },
    },
    {
      name: 'db-01',
      folder: 'production/db',
      cpuCount: 4,
      memoryBytes: 4096 * mebibyte,
      disks: [
        { sizeBytes: size(640), fill: { seed: 2, dataFraction: 0.25, pattern: 'text' } },
        {
          sizeBytes: size(1024) + sectorBytes,
          provisioning: 'thick',
          fill: { seed: 3, dataFraction: 0.15, pattern: 'random' },
        },
        {
          sizeBytes: oddSectors,
          fill: { seed: 4, dataFraction: 0.3, pattern: 'random', clusterBytes: 65_536 },
        },
      ],
      nics: [{ ipAddresses: ['192.0.2.20/24'] }, { adapter: 'e1000e', ipAddresses: ['198.51.100.20/24'] }],
      guestHostName: 'db-01.example',
      guest: { writesPerSecond: 50, workingSet: 0.2, discardFraction: 0.05 },
    },
    {
      name: 'files-01',
      folder: 'production/files',
      firmware: 'efi',
      disks: [
        { sizeBytes: size(512), fill: { seed: 5, dataFraction: 0.2, pattern: 'text' } },
        { sizeBytes: size(1024), controller: 'lsilogic-sas', fill: { seed: 6, dataFraction: 0.05 } },
        {
          sizeBytes: size(256),
          provisioning: 'eager-zeroed',
          controller: 'nvme',
          fill: { seed: 7, dataFraction: 0.5, pattern: 'zeros' },
        },
        // A disk that was never written.
        { sizeBytes: size(2048) + 3 * sectorBytes, controller: 'sata' },
      ],
      guestHostName: 'files-01.example',
    },
    {
      name: 'legacy app (2009)',
      folder: 'attic',
      powerState: 'poweredOff',
      tools: 'notInstalled',
      hardwareVersion: 7,
      disks: [
        { sizeBytes: size(128) - sectorBytes, controller: 'ide', fill: { seed: 8, dataFraction: 0.9 } },
      ],
      nics: [{ adapter: 'e1000' }],
    },
    {
      name: 'win-ad-01',
      folder: 'production/infrastructure',
      guestId: 'windows2019srvNext_64Guest',
      guestFullName: 'Microsoft Windows Server 2022 (64-bit)',
      firmware: 'efi',
      secureBoot: true,
      vtpm: true,
      changeTracking: false,
      snapshots: ['backup of tonight'],
      disks: [{ sizeBytes: size(512), fill: { seed: 9, dataFraction: 0.2 } }],
    },
    {
      name: 'cluster-node-01',
      folder: 'attic',
      disks: [
        { sizeBytes: size(128), fill: { seed: 10, dataFraction: 0.3 } },
        { sizeBytes: size(128), mode: 'independent_persistent' },
        { sizeBytes: size(128), sharing: 'sharingMultiWriter' },
        { sizeBytes: size(128), rdm: 'physical' },
      ],
      hostDevices: ['pci-passthrough'],
    },
  ];
}
