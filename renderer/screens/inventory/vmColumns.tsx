import { Link } from 'react-router';
import type { DataColumn } from '../../components/DataTable.tsx';
import { formatBytes } from '../../components/format.ts';
import { ConcernsButton } from './ConcernsButton.tsx';
import styles from './vmColumns.module.css';
import type { VmRow } from './vmRow.ts';

const powers = { poweredOn: 'On', poweredOff: 'Off', suspended: 'Suspended' } as const;

const joined = (values: readonly string[]) => values.join(', ');
const severityOrder = { critical: 3, warning: 2, info: 1 } as const;

/** The columns of the VM table. */
export function vmColumns(onConcerns: (row: VmRow) => void): readonly DataColumn<VmRow>[] {
  return [
    { id: 'name', header: 'Name', width: 160, grow: true, always: true, value: ({ name }) => name },
    {
      id: 'power',
      header: 'Power',
      width: 96,
      value: ({ powerState }) => powers[powerState],
      cell: ({ powerState }) => (
        <span className={styles.power} data-state={powerState}>
          {powers[powerState]}
        </span>
      ),
    },
    {
      id: 'concerns',
      header: 'Readiness',
      width: 126,
      value: ({ worst, hints }) => (worst === undefined ? 0 : severityOrder[worst] * 100 + hints.length),
      cell: (row) => <ConcernsButton row={row} onOpen={onConcerns} />,
      exported: {
        value: ({ hints }) => hints.map(({ severity, summary }) => `${severity}: ${summary}`).join('; '),
      },
    },
    { id: 'os', header: 'Operating system', width: 210, value: ({ guest }) => guest.fullName },
    { id: 'cpu', header: 'CPUs', width: 72, align: 'end', value: ({ cpuCount }) => cpuCount },
    {
      id: 'memory',
      header: 'Memory',
      width: 96,
      align: 'end',
      value: ({ memoryBytes }) => memoryBytes,
      cell: ({ memoryBytes }) => formatBytes(memoryBytes),
      exported: { header: 'Memory (bytes)', value: ({ memoryBytes }) => memoryBytes },
    },
    {
      id: 'size',
      header: 'Disks',
      width: 150,
      align: 'end',
      value: ({ diskBytes }) => diskBytes,
      cell: ({ diskCount, diskBytes }) => `${diskCount} · ${formatBytes(diskBytes)}`,
      exported: { header: 'Disks (bytes)', value: ({ diskBytes }) => diskBytes },
    },
    { id: 'network', header: 'Networks', width: 150, value: ({ networks }) => joined(networks) },
    {
      id: 'management',
      header: 'Management',
      width: 120,
      value: ({ workload }) => workload?.state ?? '',
      cell: ({ workload }) =>
        workload ? (
          <Link className={styles.link} to={`/workloads/${workload.id}`} tabIndex={-1}>
            {workload.state === 'managed' ? 'Managed' : `Managed, ${workload.state}`}
          </Link>
        ) : (
          <span className={styles.dimmed}>Not managed</span>
        ),
    },
    { id: 'tags', header: 'Tags', width: 160, value: ({ tags }) => joined(tags) },
    {
      id: 'datastore',
      header: 'Datastores',
      width: 130,
      hidden: true,
      value: ({ datastores }) => joined(datastores),
    },
    {
      id: 'address',
      header: 'IP addresses',
      width: 150,
      hidden: true,
      value: ({ addresses }) => addresses,
    },
    { id: 'host', header: 'Host', width: 150, hidden: true, value: ({ place }) => place.hostName },
    { id: 'path', header: 'Path', width: 240, hidden: true, value: ({ path }) => path },
    {
      id: 'guestHostName',
      header: 'Guest host name',
      width: 180,
      hidden: true,
      value: ({ guestHostName }) => guestHostName,
    },
    {
      id: 'firmware',
      header: 'Firmware',
      width: 100,
      hidden: true,
      value: ({ firmware }) => firmware,
    },
    {
      id: 'hardware',
      header: 'Hardware version',
      width: 140,
      hidden: true,
      align: 'end',
      value: ({ hardwareVersion }) => hardwareVersion,
    },
    { id: 'annotation', header: 'Notes', width: 200, hidden: true, value: ({ annotation }) => annotation },
  ];
}
