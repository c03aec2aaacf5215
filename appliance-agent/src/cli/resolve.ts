import { AgentId, type Inventory, OsseaError, type VirtualMachine } from '../contract/index.ts';
import type { AgentClient } from './agentClient.ts';

interface Named {
  readonly id: string;
  readonly name: string;
}

/** How the first of a kind comes to be. */
const additions: Record<string, string> = {
  job: 'Start one with: ossea-agent replicate <workload>',
  token: 'Create one with: ossea-agent token create <name>',
  source: 'Add one with: ossea-agent source add <name> <url>',
  target: 'Add one with: ossea-agent target add <name> <url>',
  workload: 'Add one with: ossea-agent workload add <vm>',
  failover: 'Start one with: ossea-agent failover test <workload>',
};

/** Enough of an id to tell it from others by eye. */
const shortestIdPrefix = 4;

/**
 * The one item that a person means by an id, the beginning of an id, or a name; without a text the only item that there is.
 * @throws OsseaError `request.not-found`; `request.invalid` where several fit, and lists them.
 */
export function pickByName<T extends Named>(items: readonly T[], text: string | undefined, kind: string): T {
  if (text === undefined) {
    const [only, ...others] = items;
    if (only && others.length === 0) return only;
    if (!only) {
      throw new OsseaError('request.not-found', `There is no ${kind} yet.`, {
        field: kind,
        remedy: additions[kind],
      });
    }
    const names = items.map(({ name }) => `"${name}"`).join(', ');
    throw new OsseaError('request.invalid', `Which ${kind} is meant is not clear: ${names}.`, {
      field: kind,
      remedy: 'Name one of them.',
    });
  }
  const byId = items.filter(({ id }) => id === text);
  const byName = items.filter(({ name }) => name === text);
  const byPrefix = text.length >= shortestIdPrefix ? items.filter(({ id }) => id.startsWith(text)) : [];
  const fitting = [byId, byName, byPrefix].find((found) => found.length > 0) ?? [];
  const [only, ...others] = fitting;
  if (only && others.length === 0) return only;
  if (!only) {
    const known = items.slice(0, 5).map(({ name }) => `"${name}"`);
    throw new OsseaError('request.not-found', `There is no ${kind} "${text}".`, {
      field: kind,
      value: text,
      remedy:
        known.length === 0
          ? (additions[kind] ?? `There is no ${kind} at all.`)
          : `Known: ${known.join(', ')}${items.length > known.length ? ` and ${items.length - known.length} more` : ''}.`,
    });
  }
  throw new OsseaError(
    'request.invalid',
    `"${text}" fits ${fitting.length} of kind ${kind}: ${fitting.map(({ id, name }) => `${name} (${id})`).join(', ')}.`,
    { field: kind, value: text, remedy: 'Give the id.' },
  );
}

/**
 * The VM that a person means by name, MoRef, instance UUID or inventory path.
 * @throws OsseaError `request.not-found` with near names; `request.invalid` where several bear the name, and lists them.
 */
export function pickVm(inventory: Inventory, text: string): VirtualMachine {
  const lower = text.toLowerCase();
  const fitting = [
    inventory.vms.filter((vm) => vm.instanceUuid.toLowerCase() === lower),
    inventory.vms.filter((vm) => vm.moRef === text),
    inventory.vms.filter((vm) => vm.path === text),
    inventory.vms.filter((vm) => vm.name === text),
  ].find((found) => found.length > 0);
  const [only, ...others] = fitting ?? [];
  if (only && others.length === 0) return only;
  if (only) {
    const list = [only, ...others].map((vm) => `${vm.moRef} (${vm.path})`).join(', ');
    throw new OsseaError(
      'request.invalid',
      `The name "${text}" is borne by ${others.length + 1} VMs: ${list}.`,
      {
        field: 'vm',
        value: text,
        remedy: 'Give the MoRef or the inventory path.',
      },
    );
  }
  const near = inventory.vms
    .filter(({ name }) => name.toLowerCase().includes(lower) || lower.includes(name.toLowerCase()))
    .slice(0, 5)
    .map(({ name }) => `"${name}"`);
  throw new OsseaError('request.not-found', `vCenter has no VM "${text}".`, {
    field: 'vm',
    value: text,
    remedy:
      near.length > 0
        ? `Is one of these meant? ${near.join(', ')}.`
        : 'List the VMs with: ossea-agent inventory',
  });
}

export async function pickSource(client: AgentClient, text: string | undefined) {
  return pickByName((await client.call('listSources', {})).items, text, 'source');
}

export async function pickTarget(client: AgentClient, text: string | undefined) {
  return pickByName((await client.call('listTargets', {})).items, text, 'target');
}

export async function pickWorkload(client: AgentClient, text: string) {
  return pickByName((await client.call('listWorkloads', {})).items, text, 'workload');
}

/** The job of an id or the beginning of one; of a workload's name its newest job. */
export async function pickJob(client: AgentClient, text: string) {
  if (AgentId.safeParse(text).success) return client.call('getJob', { params: { id: text } });
  const { items } = await client.call('listJobs', { query: { limit: 1000 } });
  const newest = items.find(({ workloadName }) => workloadName === text);
  if (newest) return newest;
  return pickByName(
    items.map((job) => ({ id: job.id, name: `${job.kind} ${job.workloadName ?? ''}`.trim(), job })),
    text,
    'job',
  ).job;
}

/** The failover of an id or the beginning of one; of a workload's name its newest. */
export async function pickFailover(client: AgentClient, text: string) {
  if (AgentId.safeParse(text).success) return client.call('getFailover', { params: { id: text } });
  const { items } = await client.call('listFailovers', { query: { limit: 1000 } });
  const newest = items.find(({ workloadName }) => workloadName === text);
  if (newest) return newest;
  return pickByName(
    items.map((failover) => ({
      id: failover.id,
      name: `${failover.kind} ${failover.workloadName}`,
      failover,
    })),
    text,
    'failover',
  ).failover;
}
