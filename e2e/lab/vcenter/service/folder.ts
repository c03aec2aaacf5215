import { open } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Layer } from '../disk/layer.ts';
import { extentPath } from '../vm/layout.ts';
import type { VirtualMachine } from '../vm/virtualMachine.ts';
import type { VmDisk } from '../vm/vmDisk.ts';
import { cookiesOf } from './cookies.ts';
import type { Core } from './core.ts';
import { descriptorText } from './descriptor.ts';
import { sendFile } from './sendFile.ts';

/**
 * `GET` and `HEAD` of `/folder/<path>?dcPath=…&dsName=…`: files of a datastore, with single ranges, by session cookie, Basic
 * credentials or a ticket. Without a path it lists. A running VM's own extent is locked; under a snapshot the base is free.
 */
export async function serveFolder(
  core: Core,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
): Promise<void> {
  const method = `${request.method} /folder`;
  const path = decodeURIComponent(url.pathname.slice('/folder/'.length)).replace(/\/$/, '');
  const refuse = (status: number, reason: string): void => {
    core.log.add(method, path, String(status));
    if (status === 401) response.setHeader('www-authenticate', 'Basic realm="VMware HTTP server"');
    const body = `<html><body><h1>${status} ${reason}</h1></body></html>`;
    response.writeHead(status, { 'content-type': 'text/html', 'content-length': Buffer.byteLength(body) });
    response.end(request.method === 'HEAD' ? undefined : body);
  };
  const { faults } = core.site;
  if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(405, 'Method Not Allowed');
  if (faults.latencyMs > 0) await delay(faults.latencyMs);
  const by = authorize(core, request, url);
  if (by === undefined) return refuse(401, 'Unauthorized');
  if (faults.deniedPrivileges.includes('Datastore.Browse')) return refuse(403, 'Forbidden');
  if (core.chances.strikes('folderUnavailable', path)) return refuse(503, 'Service Unavailable');
  const dcPath = url.searchParams.get('dcPath') ?? (by === 'ticket' ? 'ha-datacenter' : undefined);
  if (dcPath !== core.places.datacenterPath && dcPath !== 'ha-datacenter') return refuse(404, 'Not Found');
  const datastore = core.places.datastores.find(({ name }) => name === url.searchParams.get('dsName'));
  if (datastore === undefined) return refuse(404, 'Not Found');
  const files = filesOf(core, datastore.name);
  const file = files.get(path);
  if (file === undefined) {
    const listed = [...files.keys()].filter((each) => path === '' || each.startsWith(`${path}/`));
    if (listed.length === 0) return refuse(404, 'Not Found');
    core.log.add(method, path, '200');
    const rows = listed.map((each) => `<tr><td><a href="/folder/${encodeURI(each)}">${each}</a></td></tr>`);
    response
      .writeHead(200, { 'content-type': 'text/html' })
      .end(`<html><body><table>${rows.join('')}</table></body></html>`);
    return;
  }
  if (file.kind === 'descriptor') {
    core.log.add(method, path, '200');
    const text = descriptorText(file.disk, file.layer);
    response.writeHead(200, {
      'content-type': 'application/octet-stream',
      'content-length': Buffer.byteLength(text),
    });
    response.end(request.method === 'HEAD' ? undefined : text);
    return;
  }
  if (file.layer === file.disk.files.current && file.vm.powerState === 'poweredOn')
    return refuse(500, 'Internal Server Error');
  await using handle = await open(file.layer.path, 'r');
  const outcome = await sendFile(
    core,
    { handle, path, sizeBytes: file.layer.capacityBytes },
    request,
    response,
  );
  core.log.add(method, path, outcome);
}

/** By what the request is allowed; undefined: not at all. */
function authorize(
  core: Core,
  request: IncomingMessage,
  url: URL,
): 'session' | 'password' | 'ticket' | undefined {
  const { faults } = core.site;
  if (faults.folderUnauthorizedNext > 0) {
    faults.folderUnauthorizedNext -= 1;
    return undefined;
  }
  const cookies = cookiesOf(request);
  const ticket = cookies.get('vmware_cgi_ticket');
  if (ticket !== undefined && core.sessions.redeem(ticket, url.pathname, request.method ?? ''))
    return 'ticket';
  if (core.sessions.find(cookies.get('vmware_soap_session')) !== undefined) return 'session';
  const basic = /^Basic (.+)$/i.exec(request.headers.authorization ?? '')?.[1];
  const [username = '', ...password] = Buffer.from(basic ?? '', 'base64')
    .toString()
    .split(':');
  return basic !== undefined && core.sessions.accepts(username, password.join(':')) ? 'password' : undefined;
}

interface DiskFile {
  kind: 'descriptor' | 'extent';
  vm: VirtualMachine;
  disk: VmDisk;
  layer: Layer;
}

/** Files of a datastore by path. Deltas are listed by their descriptors alone: their format is VMware's own. */
function filesOf(core: Core, datastore: string): Map<string, DiskFile> {
  const files = new Map<string, DiskFile>();
  const prefix = `[${datastore}] `;
  for (const vm of core.vms.values()) {
    const disks = new Set([...vm.disks, ...vm.snapshotObjects.flatMap((each) => each.facts.hardware.disks)]);
    for (const disk of disks) {
      for (const layer of disk.files.layers) {
        const descriptor = disk.pathOf(layer);
        if (!descriptor.startsWith(prefix)) continue;
        files.set(descriptor.slice(prefix.length), { kind: 'descriptor', vm, disk, layer });
        if (layer.parent === undefined && disk.place.datastore.hasFlatFiles) {
          files.set(extentPath(disk, layer).slice(prefix.length), { kind: 'extent', vm, disk, layer });
        }
      }
    }
  }
  return files;
}
