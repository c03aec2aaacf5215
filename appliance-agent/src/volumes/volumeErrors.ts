import type { CloudVolume } from '../cloudstack/client.ts';
import { OsseaError } from '../contract/index.ts';
import type { VolumeRecord } from './volumeRecords.ts';

/** The volume was removed behind our back. */
export function volumeGone(record: VolumeRecord): OsseaError {
  return new OsseaError(
    'request.not-found',
    `The volume ${record.name} (${record.volumeId}) of ${record.diskLabel} of ${record.vmName} is not in CloudStack any more.`,
    { remedy: 'Remove the replica of this workload and replicate it anew.' },
  );
}

/** Somebody has attached the volume elsewhere than we know. */
export function attachedElsewhere(record: VolumeRecord, volume: CloudVolume): OsseaError {
  return new OsseaError(
    'cloudstack.in-use',
    `The volume ${record.name} is attached to the VM ${volume.attachedVmName ?? volume.attachedVmId}.`,
    { remedy: 'Detach it there in CloudStack, then try again.', retryable: true },
  );
}

/** The volume is, or becomes, another VM's disk: nobody else may write to it, or delete it. */
export function heldByVm(record: VolumeRecord): OsseaError {
  return new OsseaError(
    'request.conflict',
    `The volume ${record.name} of ${record.diskLabel} of ${record.vmName} belongs to the VM ${record.attachedVmId ?? 'that is made of it'} now.`,
    { remedy: 'End the failover that it is used by: clean up, roll back or commit it.' },
  );
}

/** The volume is attached to the appliance. */
export function heldByAppliance(record: VolumeRecord): OsseaError {
  return new OsseaError(
    'request.conflict',
    `The volume ${record.name} is ${record.state} on the appliance.`,
    {
      remedy: 'Detach it from the appliance first.',
    },
  );
}

/** The volume was left to its VM for good. */
export function notOursAnyMore(record: VolumeRecord): OsseaError {
  return new OsseaError(
    'request.conflict',
    `The volume ${record.name} was left to the VM ${record.attachedVmId} when it was committed.`,
    { remedy: 'Delete or change it in CloudStack itself.' },
  );
}
