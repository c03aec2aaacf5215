import { encode } from 'fast-png';
import { type CloudId, isOsseaError } from '../../contract/index.ts';
import type { CloudStackClient } from '../client.ts';
import { createConsoleEndpoint, type NoConsole } from './consoleEndpoint.ts';
import { RfbError, readScreen } from './rfbClient.ts';
import { WebSocketConnection } from './webSocketConnection.ts';

/** What a VM's console shows. */
export interface ConsolePicture {
  readonly kind: 'picture';
  readonly png: Buffer;
  readonly width: number;
  readonly height: number;
  /** True when every pixel has the same colour: nothing is drawn yet, or the screen is asleep. */
  readonly blank: boolean;
}

/** Why there is no picture. */
export interface NoPicture {
  readonly kind: 'none';
  readonly reason: NoConsole['reason'] | 'unreachable' | 'timeout' | 'protocol' | 'too-large';
  /** A sentence for people, without addresses that hold a token. */
  readonly detail: string;
}

const defaultTimeoutMs = 20_000;

/** How often an endpoint is asked for when its answer was lost; none is used twice. */
const attempts = 2;

/**
 * A picture of a VM's console. It costs at most `timeoutMs` and the memory of one 4K screen, and never throws for what a console
 * can be missing for: a boot proof does without.
 * @throws the signal's reason
 */
export async function consoleScreenshot(
  client: CloudStackClient,
  vmId: CloudId,
  { signal, timeoutMs = defaultTimeoutMs }: { readonly signal: AbortSignal; readonly timeoutMs?: number },
): Promise<ConsolePicture | NoPicture> {
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    return await takePicture(client, vmId, AbortSignal.any([signal, timeout]));
  } catch (error) {
    signal.throwIfAborted();
    if (timeout.aborted) return none('timeout', `The console gave no picture within ${timeoutMs / 1000} s.`);
    if (error instanceof RangeError)
      return none('too-large', `The console shows what is not read: ${error.message}.`);
    if (error instanceof RfbError)
      return none('protocol', `The console does not speak as it should: ${error.message}.`);
    if (isOsseaError(error)) return none('not-ready', error.message);
    return none('unreachable', `The console cannot be reached: ${reasonOf(error)}.`);
  }
}

async function takePicture(
  client: CloudStackClient,
  vmId: CloudId,
  signal: AbortSignal,
): Promise<ConsolePicture | NoPicture> {
  const endpoint = await askForEndpoint(client, vmId, signal);
  if (endpoint.kind === 'none') return endpoint;
  await using connection = await WebSocketConnection.open(endpoint.socketUrl, signal);
  const screen = await readScreen(connection);
  const { width, height } = screen;
  const png = encode({ width, height, data: screen.toRgb(), channels: 3, depth: 8 });
  return { kind: 'picture', png: Buffer.from(png), width, height, blank: screen.blank };
}

async function askForEndpoint(client: CloudStackClient, vmId: CloudId, signal: AbortSignal) {
  for (let left = attempts; ; left--) {
    try {
      return await createConsoleEndpoint(client, vmId, signal);
    } catch (error) {
      if (left <= 1 || !isOsseaError(error, 'cloudstack.outcome-unknown', 'cloudstack.internal')) throw error;
    }
  }
}

function none(reason: NoPicture['reason'], detail: string): NoPicture {
  return { kind: 'none', reason, detail };
}

/** The code of a network error; its message may hold the address, and with it the token. */
function reasonOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  const text = error instanceof Error ? error.message : String(error);
  return /:\/\//.test(text) ? 'the connection failed' : text;
}
