import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { ServerCertificate } from '../../certificate.ts';
import { hostVersion } from '../inventory/host.ts';
import { cookiesOf } from './cookies.ts';
import type { Core } from './core.ts';
import { dispatch } from './dispatcher.ts';
import { serveFolder } from './folder.ts';
import { findExport } from './nfcLease.ts';
import { serveTags } from './tagging.ts';

const sessionCookie = 'vmware_soap_session';

/** The HTTPS side of the vCenter: SOAP, what clients look up before it, and files. */
export class HttpServer {
  readonly #core: Core;
  readonly #server: Server;

  private constructor(core: Core, certificate: ServerCertificate) {
    this.#core = core;
    this.#server = createServer(
      {
        key: certificate.key,
        cert: certificate.cert,
        // The cheapest cipher for both sides: bulk reads are measured through this server.
        ciphers: 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:ECDHE+AESGCM',
        honorCipherOrder: true,
        keepAliveTimeout: 120_000,
        requestTimeout: 0,
      },
      (request, response) => void this.#handle(request, response),
    );
    // A client that hangs up during the handshake is no event of ours.
    this.#server.on('tlsClientError', (_error, socket) => socket.destroy());
  }

  /** Throws when the port is taken. */
  static async listen(core: Core, certificate: ServerCertificate, port: number): Promise<HttpServer> {
    const server = new HttpServer(core, certificate);
    server.#server.listen(port, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get port(): number {
    const address = this.#server.address();
    return isInternet(address) ? address.port : 0;
  }

  /** Shown from the next connection on; idle connections end. */
  presentCertificate({ key, cert }: ServerCertificate): void {
    this.#server.setSecureContext({ key, cert });
    this.#server.closeIdleConnections();
  }

  cutConnections(): void {
    this.#server.closeAllConnections();
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const url = new URL(request.url ?? '/', 'https://vcenter');
      if (request.method === 'POST' && url.pathname.startsWith('/sdk')) await this.#soap(request, response);
      else if (url.pathname === '/sdk/vimServiceVersions.xml') send(response, 200, serviceVersions);
      else if (url.pathname.startsWith('/sdk')) send(response, 200, wsdl);
      else if (url.pathname.startsWith('/folder')) await serveFolder(this.#core, request, response, url);
      else if (url.pathname.startsWith('/nfc/')) await this.#nfc(request, response, url.pathname);
      else if (url.pathname.startsWith('/api/')) await serveTags(this.#core, request, response, url);
      else send(response, 404, '<html><body>Not Found</body></html>');
    } catch (error) {
      this.#core.log.add(`${request.method}`, request.url ?? '', `failed: ${String(error)}`);
      if (response.headersSent) response.destroy();
      else send(response, 500, `<html><body>${String(error)}</body></html>`);
    }
  }

  async #nfc(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    const found = request.method === 'GET' ? findExport(this.#core.site, path) : undefined;
    if (found === undefined) {
      this.#core.log.add('GET /nfc', path, '404');
      send(response, 404, '<html><body>Not Found</body></html>');
      return;
    }
    this.#core.log.add('GET /nfc', path, await found.lease.send(found.exported, response));
  }

  async #soap(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const hangup = new AbortController();
    response.on('close', () => hangup.abort());
    const session = cookiesOf(request).get(sessionCookie);
    const outcome = await dispatch(this.#core, await text(request), session, hangup.signal);
    if (outcome.kind === 'reset') {
      request.socket.destroy();
      return;
    }
    if (outcome.cookie !== undefined) {
      const expiry = outcome.cookie === '' ? '; Max-Age=0' : '';
      response.setHeader(
        'set-cookie',
        `${sessionCookie}="${outcome.cookie}"; Path=/; HttpOnly; Secure${expiry}`,
      );
    }
    send(response, outcome.status, outcome.body);
  }
}

function isInternet(address: AddressInfo | string | null): address is AddressInfo {
  return typeof address === 'object' && address !== null;
}

function send(response: ServerResponse, status: number, body: string): void {
  const type = body.startsWith('<html') ? 'text/html' : 'text/xml; charset=utf-8';
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) }).end(body);
}

const versions = [
  '8.0.1.0',
  '8.0.0.0',
  '7.0.3.0',
  '7.0',
  '6.9.1',
  '6.7.3',
  '6.7.2',
  '6.7.1',
  '6.7',
  '6.5',
  '6.0',
  '5.5',
];
const prior = versions.map((version) => `<version>${version}</version>`).join('');
const serviceVersions = `<?xml version="1.0" encoding="UTF-8"?>
<namespaces version="1.0"><namespace><name>urn:vim25</name><version>${hostVersion.apiVersion}</version><priorVersions>${prior}</priorVersions></namespace></namespaces>`;
const wsdl = `<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" targetNamespace="urn:vim25Service"><import location="vim.wsdl" namespace="urn:vim25"/></definitions>`;
