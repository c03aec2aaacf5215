import { z } from 'zod';
import type { CloudStackClient, CloudVolume } from '../cloudstack/client.ts';
import { ownerTag, tokenOf } from '../cloudstack/ownership.ts';
import { findVolume, listVolumes } from '../cloudstack/volumes.ts';
import { isOsseaError, type VolumeId } from '../contract/index.ts';
import type { VolumeContext } from './volumeContext.ts';
import { foreign } from './volumeName.ts';
import type { VolumeRecord } from './volumeRecords.ts';

/** States in which a volume is on its way out and of no use. */
const endingStates = new Set(['Destroy', 'Destroying', 'Expunging', 'Expunged']);

/** The volume of the recorded id as it is when no job works on it any more; undefined when it is gone or going. */
export async function findLiveVolume(
  client: CloudStackClient,
  record: VolumeRecord,
  signal: AbortSignal,
): Promise<CloudVolume | undefined> {
  return record.volumeId === undefined ? undefined : await findById(client, record.volumeId, signal);
}

async function findById(
  client: CloudStackClient,
  id: VolumeId,
  signal: AbortSignal,
): Promise<CloudVolume | undefined> {
  let volume = await findVolume(client, id, signal);
  if (volume?.pendingJobId !== undefined) {
    // Its answer may be lost to us, but it decides what becomes of the volume.
    await client.waitForJob(volume.pendingJobId, volume.name, signal).catch(() => signal.throwIfAborted());
    volume = await findVolume(client, id, signal);
  }
  return volume && !endingStates.has(volume.state) ? volume : undefined;
}

/**
 * The volume that an earlier call created for the record: by the id that CloudStack told, or where the answer was lost, by
 * the token in its name. The name alone is no proof, since anyone can give it to a volume; the tag is, and the job is.
 * @throws OsseaError volume.foreign when several volumes bear the name and none can be proven to be ours
 */
export async function findCreated(
  context: VolumeContext,
  record: VolumeRecord,
  signal: AbortSignal,
): Promise<CloudVolume | undefined> {
  if (record.volumeId !== undefined) return await findLiveVolume(context.client, record, signal);
  const { client } = context;
  const byKeyword = await listVolumes(client, { keyword: tokenOf(record.id) }, signal);
  const byName = await listVolumes(client, { name: record.name }, signal);
  const candidates = [
    ...new Map([...byKeyword, ...byName].map((volume) => [volume.id, volume])).values(),
  ].filter(
    (volume) =>
      volume.name === record.name &&
      !endingStates.has(volume.state) &&
      [undefined, record.id].includes(volume.tags[ownerTag]),
  );
  const tagged = candidates.find((volume) => volume.tags[ownerTag] === record.id);
  if (tagged || candidates.length === 0) return tagged;

  const created = await volumesCreatedSince(context, record, signal);
  const proven = candidates.filter(({ id }) => created.has(id));
  if (proven.length === 1) return await findById(client, proven[0]!.id, signal);
  if (proven.length === 0) {
    // A job whose volume is in no record is the one whose answer we lost; its volume is gone, and these are strangers'.
    const recorded = new Set(
      (await context.records.list(context.targetId)).map(({ volumeId }) => `${volumeId}`),
    );
    if ([...created].some((id) => !recorded.has(id))) return undefined;
    // CloudStack has forgotten the job. Nobody else is likely to have made up 48 random bits.
    if (candidates.length === 1) return await findById(client, candidates[0]!.id, signal);
  }
  throw foreign(record, candidates[0]!, `${candidates.length} volumes bear its name and none has our tag`);
}

const CreateJob = z.object({
  cmd: z.string().default(''),
  jobinstanceid: z.string().optional(),
  /** `2021-09-29T17:50:11+0530`. */
  created: z.string().default(''),
});

/** Ids of volumes that jobs of this account created since the record's intent, as far as CloudStack remembers. */
async function volumesCreatedSince(
  { client }: VolumeContext,
  record: VolumeRecord,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  // CloudStack cuts the fraction of the second off.
  const since = Date.parse(record.createdAt) + client.clockSkewSeconds * 1000 - 2_000;
  try {
    const jobs = await client.list('listAsyncJobs', {}, 'asyncjobs', CreateJob, signal);
    return new Set(
      jobs.flatMap(({ cmd, jobinstanceid, created }) => {
        const moment = Date.parse(created.replace(/([+-]\d{2})(\d{2})$/, '$1:$2'));
        return /createVolume/i.test(cmd) && jobinstanceid && !(moment < since) ? [jobinstanceid] : [];
      }),
    );
  } catch (error) {
    if (isOsseaError(error, 'cloudstack.unsupported', 'cloudstack.unauthorized')) return new Set();
    throw error;
  }
}
