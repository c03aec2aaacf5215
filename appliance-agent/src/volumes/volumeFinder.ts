import { z } from 'zod';
import type { CloudStackClient, CloudVolume } from '../cloudstack/client.ts';
import { isOsseaError } from '../contract/index.ts';
import { foreign, ownerTag, volumeToken } from './volumeName.ts';
import type { VolumeRecord } from './volumeRecords.ts';

/** States in which a volume is on its way out and of no use. */
const endingStates = new Set(['Destroy', 'Destroying', 'Expunging', 'Expunged']);

/** The volume of an id, unless it is gone or going. */
export async function findLiveVolume(
  client: CloudStackClient,
  record: VolumeRecord,
  signal: AbortSignal,
): Promise<CloudVolume | undefined> {
  if (record.volumeId === undefined) return undefined;
  const volume = await client.findVolume(record.volumeId, signal);
  return volume && !endingStates.has(volume.state) ? volume : undefined;
}

const CreateJob = z.object({ cmd: z.string().default(''), jobinstanceid: z.string().optional() });

/**
 * The volume that an earlier call created for the record, found by its name's token although the call's answer was lost.
 * @throws OsseaError volume.foreign when several volumes bear the name and none can be proven to be ours
 */
export async function findByToken(
  client: CloudStackClient,
  record: VolumeRecord,
  signal: AbortSignal,
): Promise<CloudVolume | undefined> {
  const byKeyword = await client.listVolumes({ keyword: volumeToken(record.id) }, signal);
  const byName = await client.listVolumes({ name: record.name }, signal);
  const candidates = [
    ...new Map([...byKeyword, ...byName].map((volume) => [volume.id, volume])).values(),
  ].filter(
    (volume) =>
      volume.name === record.name &&
      !endingStates.has(volume.state) &&
      [undefined, record.id].includes(volume.tags[ownerTag]),
  );
  const tagged = candidates.find((volume) => volume.tags[ownerTag] === record.id);
  if (tagged) return tagged;
  if (candidates.length <= 1) return candidates[0];

  // Someone else gave a volume the same name. Ours is the one that a job of this account created.
  const created = await volumesCreatedByJobs(client, signal);
  const ours = candidates.filter((volume) => created.has(volume.id));
  if (ours.length === 1) return ours[0];
  throw foreign(record, candidates[0]!, `${candidates.length} volumes bear its name and none has our tag`);
}

async function volumesCreatedByJobs(
  client: CloudStackClient,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  try {
    const jobs = await client.list('listAsyncJobs', {}, 'asyncjobs', CreateJob, signal);
    return new Set(
      jobs.flatMap(({ cmd, jobinstanceid }) =>
        /createVolume/i.test(cmd) && jobinstanceid ? [jobinstanceid] : [],
      ),
    );
  } catch (error) {
    if (isOsseaError(error, 'cloudstack.unsupported', 'cloudstack.unauthorized')) return new Set();
    throw error;
  }
}
