import { z } from 'zod';
import { type CloudId, isOsseaError } from '../../contract/index.ts';
import { parseAnswer } from '../answers.ts';
import type { CloudStackClient } from '../client.ts';

/** Where a VM's console is. The addresses hold a token that is good for one connection: never log them. */
export interface ConsoleEndpoint {
  readonly kind: 'endpoint';
  /** The page that a person opens. */
  readonly url: string;
  /** The WebSocket that speaks RFB. */
  readonly socketUrl: string;
}

/** Why there is no console. */
export interface NoConsole {
  readonly kind: 'none';
  readonly reason: 'unsupported' | 'not-running' | 'not-ready';
  /** In CloudStack's words. */
  readonly detail: string;
}

const Endpoint = z.object({
  consoleendpoint: z.object({
    success: z.stringbool().or(z.boolean()).optional(),
    details: z.string().optional(),
    url: z.string().optional(),
    websocket: z
      .object({
        token: z.string(),
        host: z.string(),
        port: z.coerce.string(),
        path: z.string(),
        extra: z.string().optional(),
      })
      .optional()
      .catch(undefined),
  }),
});

/**
 * Asks for a VM's console. The proxy admits one connection, from the address that asked, within a minute or so.
 * @throws OsseaError cloudstack.* when CloudStack cannot be asked
 */
export async function createConsoleEndpoint(
  client: CloudStackClient,
  vmId: CloudId,
  signal: AbortSignal,
): Promise<ConsoleEndpoint | NoConsole> {
  let answer: Record<string, unknown>;
  try {
    answer = await client.call('createConsoleEndpoint', { virtualmachineid: vmId }, { signal });
  } catch (error) {
    if (!isOsseaError(error, 'cloudstack.unsupported', 'cloudstack.unauthorized')) throw error;
    return { kind: 'none', reason: 'unsupported', detail: error.message };
  }
  const { consoleendpoint: told } = parseAnswer(Endpoint, answer, 'createConsoleEndpoint');
  const socketUrl = told.url === undefined ? undefined : socketUrlOf(told.url, told.websocket);
  if (told.success !== false && told.url !== undefined && socketUrl !== undefined) {
    return { kind: 'endpoint', url: told.url, socketUrl };
  }
  const detail = told.details ?? 'CloudStack tells no address of the console.';
  return { kind: 'none', reason: /must be running/i.test(detail) ? 'not-running' : 'not-ready', detail };
}

/**
 * The WebSocket behind the page, as CloudStack's noVNC makes it up (app/ui.js): TLS where the page has it, and the parts that are
 * told beside the page, or stand in its query in older versions.
 */
function socketUrlOf(
  pageUrl: string,
  told: z.infer<typeof Endpoint>['consoleendpoint']['websocket'],
): string | undefined {
  if (!URL.canParse(pageUrl)) return undefined;
  const page = new URL(pageUrl);
  const query = page.searchParams;
  const token = told?.token ?? query.get('token');
  if (token === null) return undefined;
  const socket = new URL(`${page.protocol === 'https:' ? 'wss' : 'ws'}://${page.hostname}/`);
  if (told) socket.hostname = told.host;
  socket.port = told?.port ?? query.get('port') ?? page.port;
  socket.pathname = told?.path ?? query.get('path') ?? 'websockify';
  socket.searchParams.set('token', token);
  const extra = told?.extra ?? query.get('extra');
  if (extra) socket.searchParams.set('extra', extra);
  return socket.href;
}
