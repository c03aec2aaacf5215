import type { FailoverPlan, RecoveryPoint, StartLiveFailover } from '../../contract/index.ts';
import { type LiveFacts, liveConcerns } from '../../plan/liveRules.ts';
import { liveFailoverSteps } from './liveJobs.ts';
import { bootFirst } from './targetVmPlan.ts';
import { methodOf } from './vmMethod.ts';

type StepName = (typeof liveFailoverSteps)[number]['name'];

/** What a live failover would do, for a person to look at before. */
export function livePlan(facts: LiveFacts, point: RecoveryPoint | undefined): FailoverPlan {
  const { request, workload, vm, conversion, forecast, loss } = facts;
  const planned = request.mode === 'planned';
  const concerns = liveConcerns(facts);
  const { method } = methodOf(facts);
  const replicaBytes = workload.disks.reduce(
    (sum, { volumeBytes, capacityBytes }) => sum + (volumeBytes ?? capacityBytes),
    0,
  );
  return {
    kind: 'live',
    ready: concerns.every(({ severity }) => severity !== 'critical'),
    concerns,
    ...(!planned && point && { point }),
    loss: planned ? { seconds: 0, bytes: 0 } : loss,
    steps: liveFailoverSteps
      .filter(({ name }) => planned || !sourceSteps.has(name))
      .map(({ name, title }) => {
        const detail = detailOf(name);
        return { name, title, ...(detail !== undefined && { detail }) };
      }),
    ...(planned && forecast && { downtimeSeconds: forecast.downtimeSeconds }),
    ...(method && { method }),
    extraBytes: replicaBytes,
  };

  function detailOf(name: StepName): string | undefined {
    switch (name) {
      case 'rounds':
        return `At most ${request.maxRounds}, until the forecast is within ${request.downtimeBudgetSeconds} s.`;
      case 'shutdown':
        return vm.powerState === 'poweredOff'
          ? 'It is off already.'
          : `The guest has ${request.shutdownTimeoutSeconds} s; ${afterwards[request.shutdownPolicy]}. The downtime begins here.`;
      case 'fence':
        return request.fenceSource
          ? `${vm.nics.length === 1 ? 'Its network adapter is' : `Its ${vm.nics.length} network adapters are`} disconnected, and the VM is renamed; a rollback takes that back.`
          : 'It is not fenced.';
      case 'protect':
        return `${workload.disks.length} volumes; deleted by commit or rollback.${
          method?.kind === 'import'
            ? ' That of the boot disk goes before the import: a rollback finds by digests what was written to it.'
            : ''
        }`;
      case 'prepare':
        return conversion.kind === 'none' ? 'Nothing is changed in the guest.' : undefined;
      case 'vm':
        return bootDetail();
      case 'proof':
        return `Then ${request.commitMinutes} minutes to commit or roll back.`;
      default:
        return undefined;
    }
  }

  /** Pitfall 26: which one it is of several is worth a look before. */
  function bootDetail(): string | undefined {
    const [boot, ...others] = bootFirst(workload.disks, vm, undefined);
    if (!boot || others.length === 0) return undefined;
    const found = conversion.kind === 'none' ? '' : ', unless the boot loader is found on another disk';
    return `It boots from ${boot.label}${found}.`;
  }
}

/** What follows where the guest has not shut down in its time. */
const afterwards = {
  ask: 'then you are asked',
  force: 'then it is powered off',
  abort: 'then the cutover is given up, and the source goes on',
} as const satisfies Record<StartLiveFailover['shutdownPolicy'], string>;

/** What is done with the source alone. */
const sourceSteps: ReadonlySet<StepName> = new Set(['rounds', 'shutdown', 'final', 'fence']);
