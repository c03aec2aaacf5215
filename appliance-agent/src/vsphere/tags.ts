import { type Agent, type Dispatcher, request } from 'undici';
import { z } from 'zod';
import { isOsseaError, type MoRef, OsseaError } from '../contract/index.ts';
import { pinnedAgent } from '../tls/pinnedAgent.ts';
import { certificateChanged, type SoapSessionOptions } from './soapSession.ts';

/** How a generation of vCenter's REST interface is spoken to; SOAP knows nothing of tags. */
interface Dialect {
  readonly session: string;
  readonly attached: string;
  readonly tag: (id: string) => string;
  readonly category: (id: string) => string;
  /** What was asked for, inside an answer. */
  readonly inside: (answer: unknown) => unknown;
}

/** Since vSphere 7.0 U2 (vSphere Automation API). */
const api: Dialect = {
  session: '/api/session',
  attached: '/api/cis/tagging/tag-association?action=list-attached-tags-on-objects',
  tag: (id) => `/api/cis/tagging/tag/${encodeURIComponent(id)}`,
  category: (id) => `/api/cis/tagging/category/${encodeURIComponent(id)}`,
  inside: (answer) => answer,
};

/** From vSphere 6.5 on. */
const rest: Dialect = {
  session: '/rest/com/vmware/cis/session',
  attached: '/rest/com/vmware/cis/tagging/tag-association?~action=list-attached-tags-on-objects',
  tag: (id) => `/rest/com/vmware/cis/tagging/tag/id:${encodeURIComponent(id)}`,
  category: (id) => `/rest/com/vmware/cis/tagging/category/id:${encodeURIComponent(id)}`,
  inside: (answer) => z.object({ value: z.unknown() }).parse(answer).value,
};

const Attached = z.array(
  z.object({
    object_id: z.object({ id: z.string() }),
    // govmomi's simulator answers null for an object without tags.
    tag_ids: z.array(z.string()).nullable(),
  }),
);
const Tag = z.object({ name: z.string(), category_id: z.string() });
const Category = z.object({ name: z.string() });

/** Long enough for a busy vCenter, short enough for what can do without tags. Milliseconds. */
const requestTimeoutMs = 15_000;

/** VMs in one request. */
const mostAtOnce = 1000;

/** Reads the tags of VMs, each as `category: name`. What they are called is remembered. */
export class TagReader implements AsyncDisposable {
  readonly #options: SoapSessionOptions;
  readonly #agent: Agent;
  readonly #names = new Map<string, Promise<string>>();
  #dialect: Dialect | undefined;
  #session: string | undefined;

  constructor(options: SoapSessionOptions) {
    const { url, fingerprint } = options;
    this.#options = options;
    this.#agent = pinnedAgent({
      pin: { fingerprint },
      connectTimeoutMs: requestTimeoutMs,
      requestTimeoutMs,
      mismatch: (shown) => certificateChanged(url, shown, fingerprint),
    });
  }

  /** By MoRef, for those that have any. @throws OsseaError `vsphere.*`, also where the server has no such interface; ZodError for an answer of another form */
  async tagsOf(vms: readonly MoRef[], signal?: AbortSignal): Promise<ReadonlyMap<string, readonly string[]>> {
    const tags = new Map<string, readonly string[]>();
    for (let first = 0; first < vms.length; first += mostAtOnce) {
      const ids = vms.slice(first, first + mostAtOnce);
      const body = { object_ids: ids.map((id) => ({ id, type: 'VirtualMachine' })) };
      const attached = Attached.parse(await this.#ask('POST', ({ attached: path }) => path, body, signal));
      for (const { object_id, tag_ids } of attached) {
        const names = await Promise.all((tag_ids ?? []).map((id) => this.#nameOf(id, signal)));
        if (names.length > 0) tags.set(object_id.id, names.sort());
      }
    }
    return tags;
  }

  /** Ends the session, as those that are left are counted against the server's limit. */
  async close(): Promise<void> {
    if (this.#session !== undefined && this.#dialect) {
      const headers = { 'vmware-api-session-id': this.#session };
      await this.#send('DELETE', this.#dialect.session, { headers }, undefined).catch(() => undefined);
    }
    await this.#agent.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #nameOf(id: string, signal: AbortSignal | undefined): Promise<string> {
    const known = this.#names.get(id);
    if (known) return known;
    const asked = this.#readName(id, signal);
    this.#names.set(id, asked);
    asked.catch(() => this.#names.delete(id));
    return asked;
  }

  async #readName(id: string, signal: AbortSignal | undefined): Promise<string> {
    const tag = Tag.parse(await this.#ask('GET', (dialect) => dialect.tag(id), undefined, signal));
    const path = (dialect: Dialect) => dialect.category(tag.category_id);
    const category = Category.parse(await this.#ask('GET', path, undefined, signal));
    return `${category.name}: ${tag.name}`;
  }

  /** Asks within a session, and once more in a new one where the server has ended it. */
  async #ask(
    method: 'GET' | 'POST',
    path: (dialect: Dialect) => string,
    body: unknown,
    signal: AbortSignal | undefined,
  ): Promise<unknown> {
    for (let attempt = 1; ; attempt++) {
      const { dialect, session } = await this.#logIn(signal);
      const headers = { 'vmware-api-session-id': session, 'content-type': 'application/json' };
      const text = body === undefined ? {} : { body: JSON.stringify(body) };
      const { status, answer } = await this.#send(method, path(dialect), { headers, ...text }, signal);
      if (status === 401 && attempt === 1) this.#session = undefined;
      else if (status >= 300) throw this.#refused(`${method} ${path(dialect)}`, status);
      else return dialect.inside(answer);
    }
  }

  async #logIn(signal: AbortSignal | undefined): Promise<{ dialect: Dialect; session: string }> {
    if (this.#session !== undefined && this.#dialect)
      return { dialect: this.#dialect, session: this.#session };
    const { username, password } = await this.#options.credentials();
    const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
    let last = 0;
    for (const dialect of this.#dialect ? [this.#dialect] : [api, rest]) {
      const { status, answer } = await this.#send(
        'POST',
        dialect.session,
        { headers: { authorization } },
        signal,
      );
      last = status;
      if (status === 404) continue;
      if (status >= 300) break;
      const session = z.string().parse(dialect.inside(answer));
      this.#dialect = dialect;
      this.#session = session;
      return { dialect, session };
    }
    throw this.#refused('a session for tags', last);
  }

  async #send(
    method: Dispatcher.HttpMethod,
    path: string,
    options: { readonly headers: Record<string, string>; readonly body?: string },
    signal: AbortSignal | undefined,
  ): Promise<{ status: number; answer: unknown }> {
    const { origin, host } = new URL(this.#options.url);
    try {
      const { statusCode, body } = await request(`${origin}${path}`, {
        method,
        dispatcher: this.#agent,
        ...options,
        ...(signal && { signal }),
      });
      const text = await body.text();
      return { status: statusCode, answer: statusCode < 300 && text !== '' ? JSON.parse(text) : undefined };
    } catch (error) {
      signal?.throwIfAborted();
      if (isOsseaError(error)) throw error;
      throw new OsseaError('vsphere.unreachable', `${host} does not tell its tags: ${String(error)}.`, {
        remedy: 'See that vCenter is up and that port 443 is reachable from the appliance.',
        retryable: true,
        cause: error,
      });
    }
  }

  #refused(what: string, status: number): OsseaError {
    return new OsseaError(
      'vsphere.protocol',
      `${new URL(this.#options.url).host} answers ${status} to ${what}.`,
      { remedy: 'See whether the account may read tags. Without them a VM is moved all the same.' },
    );
  }
}
