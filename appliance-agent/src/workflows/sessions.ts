import { join } from 'node:path';
import { CloudStackClient } from '../cloudstack/client.ts';
import { discoverCloud } from '../cloudstack/discovery.ts';
import {
  type CloudDiscovery,
  CloudId,
  type CloudStackCredentials,
  OsseaError,
  type VsphereCredentials,
} from '../contract/index.ts';
import type { Store } from '../store/store.ts';
import { VolumeService } from '../volumes/volumeService.ts';
import { VsphereClient } from '../vsphere/client.ts';
import type { CredentialSource } from './engine.ts';

export interface SessionsOptions {
  readonly store: Store;
  readonly credentials: CredentialSource;
  readonly deviceDir: string;
  readonly runDir: string;
  /** Undefined: the MAC addresses of the kernel. */
  readonly applianceMacs: readonly string[] | undefined;
}

/** One session per endpoint, opened when first needed, shared by all jobs, and opened anew after a change of its credentials. */
export class Sessions implements AsyncDisposable {
  readonly #options: SessionsOptions;
  readonly #vcenters = new Map<string, Promise<VsphereClient>>();
  readonly #clouds = new Map<string, Promise<CloudStackClient>>();
  readonly #volumes = new Map<string, Promise<VolumeService>>();
  readonly #forget: () => void;

  constructor(options: SessionsOptions) {
    this.#options = options;
    this.#forget = options.credentials.onChange((endpointId) => void this.drop(endpointId));
  }

  /** @throws OsseaError `lease.missing`, `vsphere.*` */
  vcenter(sourceId: string): Promise<VsphereClient> {
    return this.#shared(this.#vcenters, sourceId, async () => {
      const { url, fingerprint } = await this.#options.store.sources.require(sourceId);
      const client = await VsphereClient.connect({
        url,
        fingerprint,
        credentials: async () => this.#vsphere(sourceId),
      });
      await this.#options.store.sources.update(sourceId, { instanceUuid: client.about.instanceUuid });
      return client;
    });
  }

  /** @throws OsseaError `lease.missing`, `config.invalid` */
  cloud(targetId: string): Promise<CloudStackClient> {
    return this.#shared(this.#clouds, targetId, async () => {
      const { url, fingerprint } = await this.#options.store.targets.require(targetId);
      this.#cloudStack(targetId);
      return new CloudStackClient({ url, fingerprint, credentials: () => this.#cloudStack(targetId) });
    });
  }

  /** @throws OsseaError `lease.missing`, `cloudstack.*` */
  async discover(targetId: string, signal?: AbortSignal): Promise<CloudDiscovery> {
    const { applianceVmId } = await this.#options.store.targets.require(targetId);
    return discoverCloud(await this.cloud(targetId), {
      applianceVmId,
      ...(this.#options.applianceMacs && { macAddresses: this.#options.applianceMacs }),
      signal,
    });
  }

  /**
   * The owner of the target's volumes, after it has compared its records with the cloud and the kernel.
   * @throws OsseaError `lease.missing`, `cloudstack.appliance-unknown`, `cloudstack.*`
   */
  volumes(targetId: string): Promise<VolumeService> {
    return this.#shared(this.#volumes, targetId, async () => {
      const { store, deviceDir, runDir } = this.#options;
      const client = await this.cloud(targetId);
      const service = new VolumeService({
        client,
        targetId,
        applianceVmId: await this.applianceVmId(targetId),
        records: store.volumes,
        deviceDir,
        linkDir: join(runDir, 'volumes'),
      });
      await service.reconcile(AbortSignal.timeout(10 * 60_000));
      return service;
    });
  }

  /** Ends the sessions of an endpoint; the next use opens new ones. */
  async drop(endpointId: string): Promise<void> {
    const vcenter = this.#vcenters.get(endpointId);
    const cloud = this.#clouds.get(endpointId);
    this.#vcenters.delete(endpointId);
    this.#clouds.delete(endpointId);
    this.#volumes.delete(endpointId);
    await Promise.allSettled([
      vcenter?.then((client) => client.close()),
      cloud?.then((client) => client.close()),
    ]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#forget();
    await Promise.all([...this.#vcenters.keys(), ...this.#clouds.keys()].map((id) => this.drop(id)));
  }

  /** One opening for all who ask at the same time; a failed one is tried again by the next. */
  #shared<T>(sessions: Map<string, Promise<T>>, id: string, open: () => Promise<T>): Promise<T> {
    const known = sessions.get(id);
    if (known) return known;
    const opening = open();
    sessions.set(id, opening);
    opening.catch(() => {
      if (sessions.get(id) === opening) sessions.delete(id);
    });
    return opening;
  }

  /** The VM that this agent runs on. @throws OsseaError `cloudstack.appliance-unknown`, `cloudstack.*` */
  async applianceVmId(targetId: string): Promise<CloudId> {
    const { store } = this.#options;
    const { applianceVmId, name } = await store.targets.require(targetId);
    if (applianceVmId !== undefined) return CloudId.parse(applianceVmId);
    const { applianceVm } = await this.discover(targetId);
    if (applianceVm) {
      await store.targets.update(targetId, { applianceVmId: applianceVm.id });
      return applianceVm.id;
    }
    throw new OsseaError(
      'cloudstack.appliance-unknown',
      `No VM of ${name} has a MAC address of this appliance.`,
      {
        field: 'applianceVmId',
        remedy:
          'Run the agent on a VM in the account whose keys it uses, or name its VM: ossea-agent target config --appliance <id>.',
      },
    );
  }

  #vsphere(sourceId: string): VsphereCredentials {
    const lent = this.#options.credentials.get(sourceId);
    if (lent?.kind === 'vsphere') return lent;
    throw leaseMissing('source', sourceId);
  }

  #cloudStack(targetId: string): CloudStackCredentials {
    const lent = this.#options.credentials.get(targetId);
    if (lent?.kind === 'cloudstack') return lent;
    throw leaseMissing('target', targetId);
  }
}

function leaseMissing(kind: 'source' | 'target', id: string): OsseaError {
  return new OsseaError('lease.missing', `No credentials are lent for the ${kind} ${id}.`, {
    field: `${kind}Id`,
    value: id,
    remedy: `Lend them in the console, or with: ossea-agent ${kind} lease`,
  });
}
