import { type Agent, request } from 'undici';
import { isOsseaError, OsseaError } from '../contract/index.ts';
import { pinnedAgent } from '../tls/pinnedAgent.ts';
import { errorOfFault } from './fault.ts';
import { type ManagedObject, managedObject, reference } from './managedObject.ts';
import { buildXml, child, parseXml, text, type XmlInput, type XmlNode, type XmlValue } from './xml.ts';

export interface SoapSessionOptions {
  /** `https://host[:port]/sdk`. */
  readonly url: string;
  /** SHA-256 of the trusted leaf certificate, 64 lower-case hex digits. */
  readonly fingerprint: string;
  /** Asked at each login and not kept. */
  readonly credentials: () => Promise<{ readonly username: string; readonly password: string }>;
}

/** Idle sessions end after 30 minutes or less; asking for the time keeps them. Milliseconds. */
const keepAliveMs = 4 * 60_000;
const requestTimeoutMs = 300_000;
/** More sessions than these do not end one after another by chance. */
const sessionAttempts = 5;
/** What we were written against, where the server does not tell its own. */
const fallbackVersion = '6.7';

export const serviceInstance = managedObject('ServiceInstance', 'ServiceInstance');

/** @param shown and trusted: fingerprints */
export function certificateChanged(url: string, shown: string, trusted: string): OsseaError {
  const message = `${new URL(url).host} shows the certificate ${shown}, but ${trusted} is trusted.`;
  return new OsseaError('vsphere.certificate-changed', message, {
    field: 'fingerprint',
    value: shown,
    remedy:
      'Find out why the certificate changed before you go on: it was renewed, or someone stands in between. Then trust the new one.',
  });
}

/**
 * SOAP 1.1 over a pinned connection, logged in. A session that the server has ended is renewed once per call; calls that notice it
 * together log in once.
 */
export class SoapSession implements AsyncDisposable {
  readonly #options: SoapSessionOptions;
  readonly #agent: Agent;
  readonly #host: string;
  #cookie: string | undefined;
  #action = `"urn:vim25/${fallbackVersion}"`;
  #sessionManager: ManagedObject | undefined;
  #login: Promise<void> | undefined;
  /** Counts logins: a call that failed under an older one need not log in again. */
  #generation = 0;
  #keepAlive: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: SoapSessionOptions) {
    const { url, fingerprint } = options;
    this.#options = options;
    this.#host = new URL(url).host;
    this.#agent = pinnedAgent({
      pin: { fingerprint },
      requestTimeoutMs,
      mismatch: (shown) => certificateChanged(url, shown, fingerprint),
    });
  }

  /** Scheme, host and port. */
  get origin(): string {
    return new URL(this.#options.url).origin;
  }

  get fingerprint(): string {
    return this.#options.fingerprint;
  }

  /** The cookie of the session, as a request sends it. */
  get cookie(): string {
    return this.#cookie ?? '';
  }

  credentials(): ReturnType<SoapSessionOptions['credentials']> {
    return this.#options.credentials();
  }

  /** Reads the service's content and logs in. @throws OsseaError `vsphere.*` */
  async open(): Promise<XmlNode> {
    this.#action = `"urn:vim25/${await this.#serverVersion()}"`;
    const content = await this.#post('RetrieveServiceContent', serviceInstance, {}, undefined);
    const manager = text(content, 'sessionManager');
    if (manager === undefined || typeof content !== 'object' || Array.isArray(content))
      throw this.#notVsphere();
    this.#sessionManager = managedObject('SessionManager', manager);
    await this.renew();
    this.#keepAlive = setInterval(() => {
      // A session that ended is renewed by the next call.
      this.call('CurrentTime', serviceInstance).catch(() => undefined);
    }, keepAliveMs);
    this.#keepAlive.unref();
    return content as XmlNode;
  }

  /** Calls a method and answers its `returnval`. @throws OsseaError `vsphere.*` */
  async call(
    method: string,
    on: ManagedObject,
    members: { readonly [name: string]: XmlInput } = {},
    signal?: AbortSignal,
  ): Promise<XmlValue | undefined> {
    const generation = this.#generation;
    try {
      return await this.#post(method, on, members, signal);
    } catch (error) {
      if (this.#closed || !isOsseaError(error, 'vsphere.not-authenticated')) throw error;
      if (generation === this.#generation) await this.renew();
      return this.#post(method, on, members, signal);
    }
  }

  /**
   * Does work with what lives in a session (views, collectors, tokens of pages), and does it again where that went with a session
   * that ended meanwhile. The server says of such things that they are gone, or that the call was cancelled.
   */
  async withinSession<T>(work: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      const generation = this.#generation;
      try {
        return await work();
      } catch (error) {
        const renewed = generation !== this.#generation;
        const gone = isOsseaError(error, 'vsphere.not-found', 'vsphere.invalid-argument') && renewed;
        const cancelled = isOsseaError(error) && error.value === 'RequestCanceled';
        if (attempt === sessionAttempts || !(gone || cancelled)) throw error;
      }
    }
  }

  /** A new session in place of the present one; calls that come together make one. */
  renew(): Promise<void> {
    this.#login ??= this.#logIn().finally(() => {
      this.#login = undefined;
    });
    return this.#login;
  }

  /** Logs out, as sessions that are left are counted against the server's limit. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#keepAlive);
    if (this.#sessionManager && this.#cookie !== undefined) {
      // A server that is gone has ended the session itself.
      await this.#post('Logout', this.#sessionManager, {}, AbortSignal.timeout(5_000)).catch(() => undefined);
    }
    await this.#agent.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #logIn(): Promise<void> {
    if (!this.#sessionManager) throw new Error('The session is not open');
    const { username, password } = await this.#options.credentials();
    this.#cookie = undefined;
    await this.#post('Login', this.#sessionManager, { userName: username, password }, undefined);
    this.#generation += 1;
  }

  async #serverVersion(): Promise<string> {
    const { statusCode, body } = await this.#send('GET', '/sdk/vimServiceVersions.xml', undefined, undefined);
    const answer = await body.text();
    if (statusCode !== 200) return fallbackVersion;
    try {
      const namespaces = child(parseXml(answer), 'namespaces');
      return text(namespaces, 'namespace', 'version') ?? fallbackVersion;
    } catch {
      return fallbackVersion;
    }
  }

  async #post(
    method: string,
    on: ManagedObject,
    members: { readonly [name: string]: XmlInput },
    signal: AbortSignal | undefined,
  ): Promise<XmlValue | undefined> {
    const envelope = buildXml({
      'soapenv:Envelope': {
        '@xmlns:soapenv': 'http://schemas.xmlsoap.org/soap/envelope/',
        '@xmlns:xsi': 'http://www.w3.org/2001/XMLSchema-instance',
        '@xmlns:xsd': 'http://www.w3.org/2001/XMLSchema',
        'soapenv:Body': { [method]: { '@xmlns': 'urn:vim25', _this: reference(on), ...members } },
      },
    });
    const { statusCode, headers, body } = await this.#send(
      'POST',
      '/sdk',
      `<?xml version="1.0" encoding="UTF-8"?>${envelope}`,
      signal,
    );
    this.#takeCookie(headers['set-cookie']);
    const xml = await body.text().catch((error: unknown) => {
      signal?.throwIfAborted();
      throw this.#unreachable(
        `broke off its answer (${error instanceof Error ? error.message : error})`,
        error,
      );
    });
    // What a proxy says while vCenter's service restarts; faults of vSphere itself come with 500.
    if (statusCode >= 502 && statusCode <= 504) throw this.#unreachable(`answers ${statusCode}`);
    let answer: XmlValue | undefined;
    try {
      answer = child(parseXml(xml), 'Envelope', 'Body');
    } catch (error) {
      throw this.#notVsphere(error);
    }
    const fault = child(answer, 'Fault');
    if (typeof fault === 'object' && !Array.isArray(fault))
      throw errorOfFault(fault as XmlNode, `${this.#host}, ${method}`);
    const response = child(answer, `${method}Response`);
    if (response === undefined) throw this.#notVsphere();
    const results =
      typeof response === 'object' && !Array.isArray(response) ? (response as XmlNode).returnval : undefined;
    return results;
  }

  async #send(
    method: 'GET' | 'POST',
    path: string,
    body: string | undefined,
    signal: AbortSignal | undefined,
  ) {
    try {
      return await request(`${this.origin}${path}`, {
        method,
        dispatcher: this.#agent,
        ...(body !== undefined && { body }),
        ...(signal && { signal }),
        headers: {
          'content-type': 'text/xml; charset=utf-8',
          soapaction: this.#action,
          ...(this.#cookie !== undefined && { cookie: this.#cookie }),
        },
      });
    } catch (error) {
      signal?.throwIfAborted();
      if (isOsseaError(error)) throw error;
      const cause = error instanceof Error && isOsseaError(error.cause) ? error.cause : undefined;
      if (cause) throw cause;
      throw this.#unreachable(`cannot be reached: ${error instanceof Error ? error.message : error}`, error);
    }
  }

  #unreachable(what: string, cause?: unknown): OsseaError {
    return new OsseaError('vsphere.unreachable', `${this.#host} ${what}.`, {
      remedy: 'See that vCenter is up and that port 443 is reachable from the appliance.',
      retryable: true,
      cause,
    });
  }

  #takeCookie(header: string | string[] | undefined): void {
    for (const cookie of [header ?? []].flat()) {
      const value = /^vmware_soap_session=[^;]*/.exec(cookie)?.[0];
      if (value !== undefined) this.#cookie = value;
    }
  }

  #notVsphere(cause?: unknown): OsseaError {
    return new OsseaError('vsphere.protocol', `${this.#host} does not answer as a vSphere server does.`, {
      field: 'url',
      value: this.#options.url,
      remedy: 'Give the address of a vCenter or ESXi host, such as https://vcenter.example/sdk.',
      cause,
    });
  }
}
