import type { Facts } from './facts.ts';
import type { Rule } from './rule.ts';

/** Beyond it, times in reports mislead and sessions may be refused. */
const clockToleranceSeconds = 60;

/** A snapshot grows by what the guest writes; with less than this share of the disks free, the datastore may fill up. */
const freeShareForSnapshot = 0.1;

/**
 * ESXi builds whose changed block tracking is known to leave areas out. Sources: VMware KB 2090639 (4.x and 5.x, disks
 * grown past a power of two from 128 GiB on), KB 2136854 (6.0 before ESXi600-201511001, build 3247720).
 */
function trackingFault(host: NonNullable<Facts['host']>): string | undefined {
  const major = Number.parseInt(host.version, 10);
  if (major < 6) return 'forgets changes of disks that were grown past 128 GiB (VMware KB 2090639)';
  if (host.version.startsWith('6.0') && host.build < 3_247_720)
    return 'forgets changes that are made while a snapshot is removed (VMware KB 2136854)';
  return undefined;
}

/** What concerns vCenter, its hosts and datastores. */
export const sourceRules: readonly Rule<Facts>[] = [
  {
    id: 'source.privilege-missing',
    severity: 'critical',
    find: ({ missingPrivileges }) =>
      missingPrivileges.map(({ privilege, objectName, neededFor }) => ({
        subject: objectName,
        summary: `The vCenter account lacks the privilege ${privilege} on ${objectName}, needed ${neededFor}.`,
        remedy:
          'Add the privilege to the account’s role on this object, with propagation to what lies below.',
      })),
  },
  {
    id: 'disk.unreadable',
    severity: 'critical',
    find: ({ vm, transports }) =>
      vm.disks.flatMap((disk) => {
        const transport = transports.get(disk.key);
        if (!transport || !('detail' in transport)) return [];
        const remedy = transport.remedy ?? 'Install VDDK on the appliance.';
        return [{ subject: disk.label, summary: transport.detail, remedy }];
      }),
  },
  {
    id: 'disk.streamed',
    severity: 'warning',
    find: ({ vm, transports }) =>
      vm.disks.flatMap((disk) => {
        const transport = transports.get(disk.key);
        if (!transport || !('kind' in transport) || transport.kind !== 'nfc') return [];
        return [
          {
            subject: disk.label,
            summary: `Each run reads all of the disk, and vCenter starts no other task on the VM meanwhile: ${transport.reason}`,
            remedy:
              'Install VDDK on the appliance, or remove older snapshots of the VM, so that changed blocks alone are read.',
          },
        ];
      }),
  },
  {
    id: 'source.change-tracking-fault',
    severity: 'warning',
    find: ({ host, vm }) => {
      const fault = host && trackingFault(host);
      if (!fault) return [];
      return [
        {
          subject: vm.name,
          summary: `The changed block tracking of its host ${host.name} (ESXi ${host.version}, build ${host.build}) ${fault}.`,
          remedy:
            'Patch the host, or verify against the source before the failover: what was left out is healed then.',
        },
      ];
    },
  },
  {
    id: 'source.datastore-space',
    severity: 'warning',
    find: ({ datastores, vm }) => {
      const needed = freeShareForSnapshot * vm.disks.reduce((sum, disk) => sum + disk.capacityBytes, 0);
      return datastores
        .filter(({ freeBytes }) => freeBytes !== undefined && freeBytes < needed)
        .map(({ name, freeBytes }) => ({
          subject: name,
          summary: `The datastore has ${gib(freeBytes ?? 0)} GiB free, little for the snapshot that is held while ${vm.name} is copied.`,
          remedy: 'Free space on the datastore, or replicate at a time when the guest writes little.',
        }));
    },
  },
  {
    id: 'source.clock-skew',
    severity: 'warning',
    find: ({ source, clockSkew }) => skew(source.name, clockSkew.source),
  },
  {
    id: 'target.clock-skew',
    severity: 'warning',
    find: ({ target, clockSkew }) =>
      clockSkew.target === undefined ? [] : skew(target.name, clockSkew.target),
  },
];

function skew(name: string, seconds: number) {
  if (Math.abs(seconds) <= clockToleranceSeconds) return [];
  const amount = `${Math.round(Math.abs(seconds))} s`;
  return [
    {
      subject: name,
      summary: `The clock of ${name} is ${amount} ${seconds > 0 ? 'ahead of' : 'behind'} the appliance’s.`,
      remedy: 'Let both take their time from the same NTP servers.',
    },
  ];
}

function gib(bytes: number): string {
  return (bytes / 2 ** 30).toFixed(1);
}
