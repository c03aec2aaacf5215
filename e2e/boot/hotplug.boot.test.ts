import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { SourceEndpoint, TargetEndpoint, Workload } from '../../appliance-agent/src/contract/index.ts';
import { addEndpoints, addWorkload, jobEnd, lendCredentials } from '../agent/agentProcess.ts';
import { until } from '../agent/until.ts';
import { type Lab, startLab } from '../lab/lab.ts';
import { BootedAppliance } from './bootedAppliance.ts';
import { patienceMs } from './bootedGuest.ts';
import { debianGuest, sshPort } from './debianGuest.ts';
import { timed } from './timed.ts';

const mebibyte = 2 ** 20;
/** Each question costs the interpreted agent as much as a mebibyte of a copy. */
const pollMs = 2_000;
/** The router of the appliance's network, behind which it finds this machine's loopback. */
const router = '10.1.1.1';

let lab: Lab;
let appliance: BootedAppliance;
let endpoints: { source: SourceEndpoint; target: TargetEndpoint };
let workload: Workload;

beforeAll(async () => {
  const guest = await timed('the Debian guest is made, or was there', debianGuest);
  lab = await startLab({
    vms: [
      {
        name: 'small',
        disks: [
          { sizeBytes: 16 * mebibyte, fill: { seed: 1, dataFraction: 0.5, pattern: 'random' } },
          { sizeBytes: 4 * mebibyte + 512, fill: { seed: 2, dataFraction: 0.8, pattern: 'random' } },
        ],
      },
    ],
    cloud: { https: true, qemu: { forwardedPorts: [sshPort], applianceImage: guest.applianceDisk } },
  });
  appliance = await timed('the appliance boots', () =>
    BootedAppliance.reach(lab.cloud.machine('ossea-appliance'), guest.keyFile),
  );
}, 2 * patienceMs);
afterAll(async () => {
  await appliance?.[Symbol.asyncDispose]();
  await lab?.[Symbol.asyncDispose]();
});

afterEach(async ({ task }) => {
  if (task.result?.state !== 'fail') return;
  console.log(await appliance.command('journalctl --no-pager --unit ossea-agent --lines 60'));
});

/** The serials of the disks that the appliance's kernel has now. */
async function serials(): Promise<string[]> {
  const names = await appliance.command('ls /dev/disk/by-id');
  return names.split('\n').flatMap((name) => /^virtio-([0-9a-f]{20})$/.exec(name)?.[1] ?? []);
}

/** The replicas are what the source's disks are, read past the appliance. */
async function expectEqualBytes(): Promise<void> {
  const { disks } = await appliance.client.call('getWorkload', { params: { id: workload.id } });
  for (const { key, volumeId } of disks) {
    const disk = lab.vcenter.vm('small').disk(key);
    expect(await disk.firstDifference(lab.cloud.volumePath(volumeId ?? '')), disk.label).toBeUndefined();
  }
}

async function replicate() {
  const { id } = await appliance.client.call('startReplicate', { params: { id: workload.id }, body: {} });
  return jobEnd(appliance, id, patienceMs, pollMs);
}

describe('an agent inside an appliance that runs', { timeout: patienceMs }, () => {
  it('is installed by the console on a bare Debian, and runs under systemd', async () => {
    await timed('the installation', () => appliance.install());
    expect((await appliance.command('systemctl is-active ossea-agent')).trim()).toBe('active');
    endpoints = await addEndpoints(appliance, lab, (url) => url.replace('127.0.0.1', router));
    workload = await addWorkload(appliance, endpoints, 'small');
  });

  it('finds the volumes that CloudStack plugs into it, writes them and gives them back', async () => {
    const before = await serials();
    expect(before, 'its own disks').toHaveLength(2);
    const job = await timed('the full copy', replicate);
    expect(job.problem).toBeUndefined();
    expect(job.reports.map(({ verified }) => verified)).toEqual([true, true]);
    await expectEqualBytes();
    expect(await serials(), 'nothing of ours is left in it').toEqual(before);
    const { items } = await appliance.client.call('listVolumes', {});
    expect(items.map(({ state }) => state)).toEqual(['detached', 'detached']);
  });

  it('writes what has changed into volumes that are plugged in again', async () => {
    lab.vcenter
      .vm('small')
      .disk(2001)
      .write(mebibyte + 512, Buffer.alloc(70_000, 7));
    const job = await timed('a delta', replicate);
    expect(job.problem).toBeUndefined();
    await expectEqualBytes();
  });

  it('resumes after a power cut in the middle of a copy, with the volumes that it finds plugged in', async () => {
    const disk = lab.vcenter.vm('small').disk(2000);
    for (let offset = 0; offset < disk.capacityBytes; offset += mebibyte)
      disk.write(offset, Buffer.alloc(mebibyte, 1 + offset / mebibyte));
    const { client } = appliance;
    const params = { id: workload.id };
    await client.call('updateWorkload', { params, body: { bandwidthLimit: mebibyte / 2 } });
    const { id } = await client.call('startReplicate', { params, body: {} });
    await until(
      () => client.call('getJob', { params: { id } }),
      ({ doneBytes }) => doneBytes >= 2 * mebibyte,
      patienceMs,
      pollMs,
    );
    expect((await serials()).length, 'its own disks and those of the workload').toBe(4);
    await timed('the appliance boots again', () => appliance.powerCut());
    await lendCredentials(appliance, lab, endpoints);
    await client.call('updateWorkload', { params, body: { bandwidthLimit: null } });
    const job = await timed('the rest of the copy', () => jobEnd(appliance, id, patienceMs, pollMs));
    expect(job.problem).toBeUndefined();
    await expectEqualBytes();
    expect(await serials()).toHaveLength(2);
    expect(await lab.cloud.strangersUntouched()).toEqual([]);
  });
});
