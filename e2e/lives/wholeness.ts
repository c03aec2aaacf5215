import type { Failover, Workload } from '../../appliance-agent/src/contract/index.ts';
import type { LiveSite } from '../agent/liveSite.ts';
import { ask } from './patience.ts';

/** How a life ended. */
export interface LifeEnd {
  readonly workload: Workload;
  /** The failover whose VM runs on the target, if there is one. */
  readonly standing: Failover | undefined;
}

/**
 * A workload after its life, looked at past the agent: every byte of the source is on the target, the source is as it was or fenced for good, and
 * nothing of it is left in the cloud but its replica, or the VM that was committed.
 * @throws Error that names each thing that is not so
 */
export async function assertWhole(site: LiveSite, end: LifeEnd): Promise<void> {
  const wrong = [
    ...(await wrongBytes(site, end)),
    ...wrongSource(site, end),
    ...wrongTarget(site, end),
    ...(await wrongRecords(site, end)),
  ];
  if (wrong.length > 0) throw new Error(`It did not end whole: ${wrong.join('; ')}`);
}

async function wrongBytes(site: LiveSite, { workload }: LifeEnd): Promise<string[]> {
  const source = await site.sourceDigests(workload);
  const target = await ask(() => site.site.replicaDigests(workload));
  return source.flatMap((digest, disk) => (digest === target[disk] ? [] : [`disk ${disk} differs`]));
}

function wrongSource(site: LiveSite, { workload, standing }: LifeEnd): string[] {
  const vm = site.source(workload);
  const power = standing ? 'poweredOff' : 'poweredOn';
  return [
    ...vm.snapshots.map(({ name }) => `the source has the snapshot ${name}`),
    ...(vm.consolidationNeeded ? ['the disks of the source are to be consolidated'] : []),
    ...(vm.fenced === (standing !== undefined) ? [] : [`the source is ${vm.fenced ? '' : 'not '}fenced`]),
    ...(vm.powerState === power ? [] : [`the source is ${vm.powerState}`]),
    ...(standing || vm.name === workload.name ? [] : [`the source is called ${vm.name}`]),
  ];
}

function wrongTarget(site: LiveSite, { workload, standing }: LifeEnd): string[] {
  const { cloud } = site.site.lab;
  const replicas = new Set(workload.disks.map(({ volumeId }) => `${volumeId}`));
  const mark = new RegExp(`(^|-)${workload.name}(-|$)`);
  const vms = cloud
    .vms()
    .filter(
      ({ id, name, displayName, state }) =>
        state !== 'Destroyed' && id !== standing?.vm?.id && (mark.test(name) || mark.test(displayName)),
    );
  // The namesakes that the lab makes beside volumes bear no tags; those of ours do until they are a VM's own.
  const volumes = cloud
    .volumes()
    .filter(({ id, name, tags }) => !replicas.has(id) && mark.test(name) && Object.keys(tags).length > 0);
  const inPlace = cloud
    .volumes()
    .filter(({ id, vmId }) => replicas.has(id) && vmId === (standing ? standing.vm?.id : undefined));
  return [
    ...vms.map(({ name, state }) => `the VM ${name} is there (${state})`),
    ...(standing && site.targetVm(standing)?.state !== 'Running'
      ? ['the VM on the target does not run']
      : []),
    ...volumes.map(({ name }) => `the volume ${name} is there`),
    ...strayNics(site),
    ...(inPlace.length === replicas.size
      ? []
      : [
          `${replicas.size - inPlace.length} of ${replicas.size} replicas are gone, or not where they belong`,
        ]),
    ...cloud
      .snapshots()
      .filter(({ volumeId }) => replicas.has(volumeId))
      .map(({ name }) => `the snapshot ${name} is there`),
  ];
}

/** The appliance is on a network besides its own only while the VM of a test is there, be it another life's. */
function strayNics({ site: { lab } }: LiveSite): string[] {
  const [appliance, others] = [lab.cloud.vm(lab.cloud.applianceVmId), lab.cloud.vms()];
  const used = new Set(
    others
      .filter(({ id, state }) => id !== appliance.id && state !== 'Destroyed')
      .flatMap(({ nics }) => nics.map(({ networkId }) => networkId)),
  );
  return appliance.nics
    .filter(({ isDefault, networkId }) => !isDefault && !used.has(networkId))
    .map(({ mac }) => `the appliance has the NIC ${mac}, which no test needs`);
}

async function wrongRecords(site: LiveSite, { workload, standing }: LifeEnd): Promise<string[]> {
  const { state, currentJobId } = await ask(() => site.workloadNow(workload));
  const wanted = standing ? 'migrated' : 'protected';
  return [
    ...(state === wanted ? [] : [`the workload is ${state}, not ${wanted}`]),
    ...(currentJobId === undefined ? [] : [`the job ${currentJobId} works on it`]),
  ];
}
