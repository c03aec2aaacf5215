import type {
  Conversion,
  StartLiveFailover,
  StartTestFailover,
} from '../../../appliance-agent/src/contract/index.ts';

/** The values of choices as they are offered, and as they are told afterwards. */
export const verifyWords: Record<StartLiveFailover['verify'], string> = {
  delta: 'What the last delta wrote',
  readback: 'The whole replica',
  source: 'Replica against source',
};

export const policyWords: Record<StartLiveFailover['shutdownPolicy'], string> = {
  ask: 'Ask me',
  force: 'Power it off',
  abort: 'Give up, the source goes on',
};

export const pointWords: Record<StartTestFailover['point'], string> = {
  latest: 'The replica as it is',
  fresh: 'Replicate first',
  quiesced: 'Replicate first, quiesced',
};

export const reachNames: Record<StartTestFailover['reach'], string> = {
  auto: 'As each check needs',
  nic: 'By a NIC of the appliance',
  direct: 'Over the appliance’s own networks',
};

export const hardwareWords: Record<Conversion['hardware'], string> = {
  'virtio-blk': 'virtio',
  'virtio-scsi': 'virtio-scsi',
  emulated: 'Emulated: SATA and e1000',
};

/** Words as what a select offers, in their order. */
export function offered<K extends string>(words: Readonly<Record<K, string>>): { value: K; label: string }[] {
  return (Object.keys(words) as K[]).map((value) => ({ value, label: words[value] }));
}
