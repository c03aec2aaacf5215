import { z } from 'zod';
import {
  type CloudHost,
  type CloudNetwork,
  type CloudStackCredentials,
  type CloudTemplate,
  type DiskOffering,
  isOsseaError,
  type OsType,
  type ServiceOffering,
  type Zone,
} from '../contract/index.ts';
import {
  AccountAnswer,
  ApiAnswer,
  CapabilitiesAnswer,
  DiskOfferingAnswer,
  HostAnswer,
  HypervisorCapabilityAnswer,
  LimitAnswer,
  NetworkAnswer,
  OsTypeAnswer,
  parseAnswer,
  ServiceOfferingAnswer,
  StoragePoolAnswer,
  TemplateAnswer,
  ZoneAnswer,
} from './answers.ts';
import { waitForJob } from './asyncJob.ts';
import { Connection } from './connection.ts';
import { createDispatcher } from './dispatcher.ts';
import type { Parameters } from './signature.ts';

export type { CloudNic, CloudSnapshot, CloudVm, CloudVolume } from './answers.ts';
export type { Parameters } from './signature.ts';

export interface CloudStackClientOptions {
  /** The API's address, such as `https://cloud.example/client/api`. */
  readonly url: string;
  /** SHA-256 of the pinned leaf certificate, 64 lower-case hex digits; undefined: the system's authorities decide. */
  readonly fingerprint?: string | undefined;
  /** Accepts `http:` to another host than this one. Keys are never sent, but all answers are readable on the way. */
  readonly allowPlainHttp?: boolean | undefined;
  /** Asked at every call, so that a renewed lease takes effect at once. */
  readonly credentials: () => CloudStackCredentials | Promise<CloudStackCredentials>;
  /** How long one HTTP request may take. Default 60 000 ms. */
  readonly requestTimeoutMs?: number | undefined;
  /** How long an asynchronous job may take. Default 3 600 000 ms. */
  readonly jobTimeoutMs?: number | undefined;
  /** The first pause before a throttled request or a lost read is repeated; doubled each time. Default 250 ms. */
  readonly retryBaseMs?: number | undefined;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

/** A job that CloudStack has accepted. */
export interface AcceptedJob {
  readonly jobId: string;
  /** Id of the object that the job creates, where CloudStack tells it at once. */
  readonly objectId: string | undefined;
}

export interface AsyncCallOptions extends CallOptions {
  /** Awaited before the job is waited for, so that the caller can write the ids down. */
  readonly onAccepted?: ((job: AcceptedJob) => Promise<void> | void) | undefined;
}

/** CloudStack's cap on a page unless an administrator changed it (`default.page.size`). */
const largestPage = 500;
const smallestPage = 20;

const AcceptedAnswer = z.object({ jobid: z.string(), id: z.string().optional() });

/**
 * A client of one CloudStack account: calls, jobs, pages, and what the cloud offers. What exists in it has a file per
 * subject beside this one (volumes, snapshots, machines, networks). Reads are repeated after transient failures, throttling is waited out; a change
 * is sent once, and a lost answer is told as `cloudstack.outcome-unknown`. Every method throws `OsseaError`s
 * (cloudstack.*) or the signal's reason.
 */
export class CloudStackClient implements AsyncDisposable {
  readonly #connection: Connection;
  readonly #closeDispatcher: () => Promise<void>;
  readonly #jobTimeoutMs: number;
  #pageSize = largestPage;

  /** @throws OsseaError config.invalid for an address that is not https and not of this machine */
  constructor(options: CloudStackClientOptions) {
    const dispatcher = createDispatcher(options);
    this.#closeDispatcher = () => dispatcher.close();
    this.#jobTimeoutMs = options.jobTimeoutMs ?? 3_600_000;
    this.#connection = new Connection({
      url: options.url,
      dispatcher,
      credentials: options.credentials,
      requestTimeoutMs: options.requestTimeoutMs ?? 60_000,
      retryBaseMs: options.retryBaseMs ?? 250,
      retryMaxMs: 60 * (options.retryBaseMs ?? 250),
      retries: 9,
    });
  }

  /** Seconds by which the server's clock is ahead of ours, known after the first answer. */
  get clockSkewSeconds(): number {
    return this.#connection.clockSkewMs / 1000;
  }

  /** Calls a synchronous command and gives the inside of its envelope. */
  async call(
    command: string,
    parameters: Parameters = {},
    options: CallOptions = {},
  ): Promise<Record<string, unknown>> {
    return await this.#connection.send(command, parameters, options.signal);
  }

  /** Calls an asynchronous command, waits for its job, and gives the job's result. */
  async callAsync(
    command: string,
    parameters: Parameters = {},
    options: AsyncCallOptions = {},
  ): Promise<Record<string, unknown>> {
    const answer = await this.#connection.send(command, parameters, options.signal);
    const accepted = AcceptedAnswer.safeParse(answer);
    // Some commands are asynchronous in some versions only; without a job the answer is the result.
    if (!accepted.success) return answer;
    const { jobid, id } = accepted.data;
    await options.onAccepted?.({ jobId: jobid, objectId: id });
    return await this.waitForJob(jobid, command, options.signal);
  }

  /** Waits for a job accepted earlier, perhaps by a previous process. `subject` names it in errors. */
  async waitForJob(
    jobId: string,
    subject: string,
    signal: AbortSignal | undefined,
  ): Promise<Record<string, unknown>> {
    return await waitForJob(this.#connection, { id: jobId, subject }, this.#jobTimeoutMs, signal);
  }

  /** All items of a list command, page by page. `key` is the list's name in the answer. */
  async list<T extends z.ZodType>(
    command: string,
    parameters: Parameters,
    key: string,
    item: T,
    signal: AbortSignal | undefined,
  ): Promise<z.output<T>[]> {
    const items: z.output<T>[] = [];
    for (let page = 1; ; page++) {
      const pageSize = this.#pageSize;
      let answer: Record<string, unknown>;
      try {
        answer = await this.call(command, { ...parameters, page, pagesize: pageSize }, { signal });
      } catch (error) {
        const tooLarge =
          isOsseaError(error, 'cloudstack.parameter') &&
          /page\s?size/i.test(error.message) &&
          pageSize > smallestPage;
        if (!tooLarge) throw error;
        this.#pageSize = Math.max(smallestPage, Math.floor(pageSize / 2));
        page = 0;
        items.length = 0;
        continue;
      }
      const found = parseAnswer(z.array(item), answer[key] ?? [], command);
      items.push(...found);
      const total = z.coerce.number().catch(Number.POSITIVE_INFINITY).parse(answer.count);
      const isLast = found.length < pageSize || items.length >= total;
      if (isLast) return items;
    }
  }

  listZones(signal?: AbortSignal): Promise<Zone[]> {
    return this.list('listZones', { available: true }, 'zone', ZoneAnswer, signal);
  }

  listServiceOfferings(signal?: AbortSignal): Promise<ServiceOffering[]> {
    return this.list('listServiceOfferings', {}, 'serviceoffering', ServiceOfferingAnswer, signal);
  }

  listDiskOfferings(signal?: AbortSignal): Promise<DiskOffering[]> {
    return this.list('listDiskOfferings', {}, 'diskoffering', DiskOfferingAnswer, signal);
  }

  /** Networks that a VM of the account can be deployed in. */
  listNetworks(signal?: AbortSignal): Promise<CloudNetwork[]> {
    return this.list('listNetworks', { canusefordeploy: true }, 'network', NetworkAnswer, signal);
  }

  /** Templates that the account may deploy from. */
  listTemplates(signal?: AbortSignal): Promise<CloudTemplate[]> {
    return this.list('listTemplates', { templatefilter: 'executable' }, 'template', TemplateAnswer, signal);
  }

  listOsTypes(signal?: AbortSignal): Promise<OsType[]> {
    return this.list('listOsTypes', {}, 'ostype', OsTypeAnswer, signal);
  }

  listResourceLimits(signal?: AbortSignal): Promise<z.infer<typeof LimitAnswer>[]> {
    return this.list('listResourceLimits', {}, 'resourcelimit', LimitAnswer, signal);
  }

  listAccounts(signal?: AbortSignal): Promise<AccountAnswer[]> {
    return this.list('listAccounts', {}, 'account', AccountAnswer, signal);
  }

  /** Administrators only. */
  listHypervisorCapabilities(
    hypervisor: string,
    signal?: AbortSignal,
  ): Promise<z.infer<typeof HypervisorCapabilityAnswer>[]> {
    return this.list(
      'listHypervisorCapabilities',
      { hypervisor },
      'hypervisorCapabilities',
      HypervisorCapabilityAnswer,
      signal,
    );
  }

  /** Administrators only. */
  listStoragePools(id: string, signal?: AbortSignal): Promise<z.infer<typeof StoragePoolAnswer>[]> {
    return this.list('listStoragePools', { id }, 'storagepool', StoragePoolAnswer, signal);
  }

  /** The machines that run VMs. Administrators only. */
  listHosts(signal?: AbortSignal): Promise<CloudHost[]> {
    return this.list('listHosts', { type: 'Routing' }, 'host', HostAnswer, signal);
  }

  /** What the cloud says of itself and of the account's rights. */
  async listCapabilities(signal?: AbortSignal): Promise<z.infer<typeof CapabilitiesAnswer>['capability']> {
    const answer = await this.call('listCapabilities', {}, { signal });
    return parseAnswer(CapabilitiesAnswer, answer, 'listCapabilities').capability;
  }

  /** Parameter names of a command; undefined where the account may not call it or the version has none. */
  async describeCommand(name: string, signal?: AbortSignal): Promise<ReadonlySet<string> | undefined> {
    try {
      const answer = await this.call('listApis', { name }, { signal });
      const schema = z.object({ api: z.array(ApiAnswer).default([]) });
      const api = parseAnswer(schema, answer, 'listApis').api.find((command) => command.name === name);
      return api && new Set(api.params.map((parameter) => parameter.name));
    } catch (error) {
      if (isOsseaError(error, 'cloudstack.unsupported')) return undefined;
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#closeDispatcher();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
