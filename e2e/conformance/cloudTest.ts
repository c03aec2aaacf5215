import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  CloudStackClient,
  type CloudStackClientOptions,
} from '../../appliance-agent/src/cloudstack/client.ts';
import { type CloudOptions, type LabCloud, noFaults, startCloud } from '../lab/cloud/cloud.ts';
import { KillableClient } from './killableClient.ts';
import { publishedApiMissing, readPublishedApi, whyUnfit } from './publishedApi.ts';

/** A cloud for a file of tests, and clients of it. Every request that is sent is held against CloudStack's published API. */
export interface CloudTest {
  readonly cloud: LabCloud;
  readonly client: CloudStackClient;
  /** A client whose process dies right after its n-th change. */
  killable(killAt: number): KillableClient;
  /** Takes back what a test has switched on. */
  calmDown(): void;
}

export function cloudTest(options: Partial<CloudOptions> & { readonly asAdmin?: boolean } = {}): CloudTest {
  const { asAdmin = false, ...cloudOptions } = options;
  let folder: string;
  let cloud: LabCloud | undefined;
  let client: CloudStackClient | undefined;
  const clients: CloudStackClient[] = [];

  const started = () => cloud ?? expect.unreachable('the cloud was not started');
  const clientOptions = (): CloudStackClientOptions => {
    const { url, apiKey, secretKey, adminApiKey, adminSecretKey } = started();
    const keys = asAdmin ? { apiKey: adminApiKey, secretKey: adminSecretKey } : { apiKey, secretKey };
    return { url, credentials: () => ({ kind: 'cloudstack', ...keys }), retryBaseMs: 5 };
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ossea-cloud-test-'));
    cloud = await startCloud({ dataDir: join(folder, 'cloud'), jobLatencyMs: 1, ...cloudOptions });
    client = new CloudStackClient(clientOptions());
    clients.push(client);
  });

  afterAll(async () => {
    for (const one of clients) await one.close();
    await cloud?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  return {
    get cloud() {
      return started();
    },
    get client() {
      return client ?? expect.unreachable('the cloud was not started');
    },
    killable: (killAt) => {
      const made = new KillableClient(clientOptions(), killAt);
      clients.push(made);
      return made;
    },
    calmDown: () => void Object.assign(started().faults, noFaults),
  };
}

/** `templateid` is declared as required, but not beside `volumeid`, from CloudStack 4.21. */
const excused = 'deployVirtualMachine lacks templateid';

/** To be called last in a file: what was sent has only commands and parameters that CloudStack has, and all that it requires. */
export function itSpeaksAsPublished(place: CloudTest): void {
  it.skipIf(publishedApiMissing !== undefined)('sends what CloudStack’s published API has', () => {
    const api = readPublishedApi();
    const wrong = place.cloud.calls.flatMap((call) => whyUnfit(api, call));
    expect(wrong.filter((line) => line !== excused)).toEqual([]);
  });
}
