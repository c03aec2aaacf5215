import type {
  Failover,
  FailoverRemains,
  FailoverState,
} from '../../../appliance-agent/src/contract/index.ts';
import { formatBytes, formatDuration } from '../../components/format.ts';

/** What states of a failover are called, by its kind where they differ. */
export function failoverStateLabel({ kind, state }: Pick<Failover, 'kind' | 'state'>): string {
  const words: Record<FailoverState, string> = {
    scheduled: 'Scheduled',
    running: kind === 'test' ? 'Starting the test' : 'Cutting over',
    active: kind === 'test' ? 'Test VM runs' : 'Runs on the target, not committed',
    committing: 'Committing',
    committed: 'Committed',
    'rolling-back': 'Rolling back',
    'rolled-back': 'Rolled back',
    interrupted: 'Interrupted',
    cleaning: 'Cleaning up',
    cleaned: kind === 'test' ? 'Test ended' : 'Cleaned up',
    expired: 'Its window passed; nothing was done',
  };
  return words[state];
}

/** The next step that a person can take, in a sentence; undefined while the appliance works or nothing is left. */
export function nextStepOf(failover: Failover): string | undefined {
  const { kind, state, question, proof, commitBy, problem, tested } = failover;
  if (question) return question.text;
  const unfinished = unfinishedOf(failover);
  if (unfinished) return `${unfinished.sentence} It goes on with what is left.`;
  switch (state) {
    case 'scheduled':
      return 'It begins by itself. Cancel it to change anything.';
    case 'active':
      if (kind === 'test') {
        if (tested) return 'Found good. End the test when nobody needs its VM any more.';
        return proof?.passed === false
          ? 'The boot proof failed. Look at the test VM, then end the test.'
          : 'Look at the test VM, mark it as tested, then end the test.';
      }
      if (problem?.code === 'failover.undecided')
        return 'The time to decide is over. Commit, roll back, or give it more time.';
      return proof?.passed === false
        ? 'The boot proof failed. Look at the VM, then roll back or commit.'
        : `Check the VM, then commit or roll back${commitBy === undefined ? '' : ' before the timer ends'}.`;
    case 'interrupted':
      return kind === 'test'
        ? 'Clean up removes what the test made. The plan is shown first.'
        : 'Try again goes on from what was reached. Clean up brings the source back to where it was; the plan is shown first.';
    default:
      return undefined;
  }
}

/** What ended half-way and is to be done again; undefined while the appliance works on it. */
export function unfinishedOf({
  state,
  problem,
}: Pick<Failover, 'state' | 'problem'>):
  | { readonly act: 'commit' | 'rollback' | 'cleanup'; readonly label: string; readonly sentence: string }
  | undefined {
  if (!problem) return undefined;
  switch (state) {
    case 'committing':
      return { act: 'commit', label: 'Commit again', sentence: 'The commit did not end: commit again.' };
    case 'rolling-back':
      return {
        act: 'rollback',
        label: 'Roll back again',
        sentence: 'The rollback did not end: roll back again.',
      };
    case 'cleaning':
      return {
        act: 'cleanup',
        label: 'Clean up again',
        sentence: 'The cleanup did not end: clean up again.',
      };
    default:
      return undefined;
  }
}

/** States in which a failover asks for nothing any more. */
const ended: ReadonlySet<FailoverState> = new Set(['committed', 'rolled-back', 'cleaned', 'expired']);

export function hasEnded({ state }: Pick<Failover, 'state'>): boolean {
  return ended.has(state);
}

/** A moment with date and time as this computer's region writes it. */
export function exactly(at: string): string {
  return new Date(at).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
}

export const consistencyWords = {
  crash: 'crash-consistent',
  quiesced: 'quiesced',
  'powered-off': 'powered off',
} as const;

export const methodWords = {
  'deploy-from-volume': 'Deployed from the volume',
  'shell-vm': 'Shell VM whose root disk is exchanged',
  import: 'Imported',
} as const;

/** What of the source's writes a target does not have. */
export function lossWords({ seconds, bytes }: NonNullable<Failover['loss']>): string {
  if (seconds === 0) return 'None';
  return `${formatDuration(seconds)}${bytes === undefined ? '' : `, about ${formatBytes(bytes)}`}`;
}

export const remainsWords: Record<FailoverRemains['kind'], string> = {
  vm: 'VM on the target',
  volume: 'Volume',
  attachment: 'Volume at the appliance',
  'volume-snapshot': 'Volume snapshot',
  network: 'Network',
  nic: 'Network adapter',
  fence: 'Fence of the source',
  'source-power': 'Power of the source',
  snapshot: 'Snapshot of the source',
  replica: 'Replica',
};
