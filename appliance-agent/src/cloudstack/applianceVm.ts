import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { request } from 'undici';
import type { CloudId } from '../contract/index.ts';
import { CloudId as CloudIdSchema, OsseaError } from '../contract/index.ts';
import type { CloudStackClient, CloudVm } from './client.ts';
import { listVms } from './machines.ts';

/** Where this machine says who it is. */
export interface IdentitySources {
  /** MAC addresses of this machine; undefined: those of the kernel's interfaces. */
  readonly macAddresses?: readonly string[] | undefined;
  /** Files that may hold the VM's UUID; undefined: what KVM and cloud-init provide. */
  readonly identityFiles?: readonly string[] | undefined;
  /** Addresses that may answer with the VM's UUID; undefined: the metadata service of the default gateway. */
  readonly metadataUrls?: readonly string[] | undefined;
}

/**
 * KVM shows the VM's UUID as the machine's product UUID; cloud-init keeps the instance id of the config drive or the
 * metadata service, whichever it found.
 */
const kernelIdentityFiles = ['/sys/class/dmi/id/product_uuid', '/var/lib/cloud/data/instance-id'];

const metadataTimeoutMs = 1_000;

const uuidPattern = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/i;

function localMacAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, mac }) => !internal && mac !== '00:00:00:00:00:00')
    .map(({ mac }) => mac);
}

/** The virtual router serves metadata on its own address, which is the default gateway of an isolated network. */
async function gatewayMetadataUrls(): Promise<string[]> {
  const routes = await readFile('/proc/net/route', 'utf8').catch(() => '');
  return routes.split('\n').flatMap((line) => {
    const [, destination, gateway] = line.split('\t');
    if (destination !== '00000000' || !gateway || !/^[0-9A-F]{8}$/i.test(gateway)) return [];
    const address = [...Buffer.from(gateway, 'hex')].reverse().join('.');
    return [`http://${address}/latest/meta-data/instance-id`];
  });
}

async function readUuid(file: string): Promise<string | undefined> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return uuidPattern.exec(text)?.[0].toLowerCase();
}

async function fetchUuid(url: string, signal: AbortSignal | undefined): Promise<string | undefined> {
  const timeout = AbortSignal.timeout(metadataTimeoutMs);
  try {
    const response = await request(url, { signal: signal ? AbortSignal.any([signal, timeout]) : timeout });
    const text = await response.body.text();
    return response.statusCode === 200 ? uuidPattern.exec(text)?.[0].toLowerCase() : undefined;
  } catch {
    // Most machines have no metadata service there.
    signal?.throwIfAborted();
    return undefined;
  }
}

/**
 * The VM that this agent runs on: the one with a MAC address of ours, else the one with our instance id. Undefined when
 * neither is found.
 * @throws OsseaError cloudstack.appliance-unknown when several VMs fit and the instance id does not decide
 */
export async function findApplianceVm(
  client: CloudStackClient,
  sources: IdentitySources = {},
  signal?: AbortSignal,
): Promise<CloudVm | undefined> {
  const vms = await listVms(client, {}, signal);
  const macAddresses = new Set((sources.macAddresses ?? localMacAddresses()).map((mac) => mac.toLowerCase()));
  const byMac = vms.filter((vm) => vm.macAddresses.some((mac) => macAddresses.has(mac)));
  if (byMac.length === 1) return byMac[0];

  const candidates = byMac.length > 1 ? byMac : vms;
  const known = new Map(candidates.map((vm) => [vm.id.toLowerCase(), vm]));
  for (const file of sources.identityFiles ?? kernelIdentityFiles) {
    const vm = known.get((await readUuid(file)) ?? '');
    if (vm) return vm;
  }
  for (const url of sources.metadataUrls ?? (await gatewayMetadataUrls())) {
    const vm = known.get((await fetchUuid(url, signal)) ?? '');
    if (vm) return vm;
  }
  if (byMac.length > 1) {
    // MAC addresses are unique within a zone only.
    throw new OsseaError(
      'cloudstack.appliance-unknown',
      `Several VMs have a MAC address of this appliance: ${byMac.map(({ name, id }) => `${name} (${id})`).join(', ')}.`,
      { remedy: 'Name the appliance’s VM in the target’s settings.' },
    );
  }
  return undefined;
}

/** The VM that was named as the appliance's. @throws OsseaError cloudstack.appliance-unknown */
export async function getApplianceVm(
  client: CloudStackClient,
  id: string,
  signal?: AbortSignal,
): Promise<CloudVm> {
  const vmId: CloudId = CloudIdSchema.parse(id);
  const [vm] = await listVms(client, { id: vmId }, signal);
  if (vm) return vm;
  throw new OsseaError('cloudstack.appliance-unknown', `CloudStack shows no VM ${id} to this account.`, {
    remedy: 'Correct the appliance’s VM in the target’s settings, or use keys of the account that owns it.',
    field: 'target.applianceVmId',
    value: id,
  });
}
