import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import type { Core } from './core.ts';

/** Sessions of the REST interface, by vCenter. */
const sessions = new WeakMap<Core, Set<string>>();

const prefix = '/api/cis/tagging/';

/**
 * Answers what the vSphere Automation API (from 7.0 U2) says of the tags of VMs. Ids are made of names, which no client may rely on.
 */
export async function serveTags(
  core: Core,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
): Promise<void> {
  const living = sessions.get(core) ?? new Set<string>();
  sessions.set(core, living);
  const answer = (status: number, body: unknown): void => {
    core.log.add(`${request.method} /api`, url.pathname, String(status));
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
  const session = request.headers['vmware-api-session-id'];
  if (url.pathname === '/api/session' && request.method === 'POST') {
    const id = randomUUID();
    if (!isKnown(core, request.headers.authorization)) return answer(401, {});
    living.add(id);
    return answer(201, id);
  }
  if (typeof session !== 'string' || !living.has(session)) return answer(401, {});
  if (url.pathname === '/api/session' && request.method === 'DELETE') {
    living.delete(session);
    response.writeHead(204).end();
    return undefined;
  }
  const [kind, id = ''] = url.pathname.slice(prefix.length).split('/').map(decodeURIComponent);
  if (kind === 'tag-association') return answer(200, attachedTags(core, await json(request)));
  if (kind === 'tag') {
    const [category, name] = nameOf(id).split(': ');
    return answer(200, { id, name, category_id: idOf('Category', category ?? '') });
  }
  if (kind === 'category') return answer(200, { id, name: nameOf(id) });
  return answer(404, {});
}

function isKnown({ sessions: known }: Core, authorization: string | undefined): boolean {
  const [username = '', ...password] = Buffer.from(authorization?.replace('Basic ', '') ?? '', 'base64')
    .toString()
    .split(':');
  return known.accepts(username, password.join(':'));
}

/** Only objects that have tags are answered. */
function attachedTags(core: Core, asked: unknown): unknown {
  const { object_ids: objects } = Object(asked);
  if (!Array.isArray(objects)) return [];
  return objects.flatMap((object: { id: string; type: string }) => {
    const tags = core.vms.get(object.id)?.spec.tags ?? [];
    return tags.length === 0 ? [] : [{ object_id: object, tag_ids: tags.map((tag) => idOf('Tag', tag)) }];
  });
}

function idOf(kind: 'Tag' | 'Category', name: string): string {
  return `urn:vmomi:InventoryService${kind}:${Buffer.from(name).toString('hex')}:GLOBAL`;
}

function nameOf(id: string): string {
  return Buffer.from(id.split(':')[3] ?? '', 'hex').toString();
}
