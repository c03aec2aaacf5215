import { randomUUID } from 'node:crypto';
import type { Selected } from '../collector/selection.ts';
import type { VcenterFaults } from '../faults.ts';
import type { ManagedObject } from '../inventory/site.ts';
import { VimFault } from '../soap/fault.ts';
import { type DataObject, vim } from '../soap/value.ts';

/** What belongs to a session ends with it. */
export interface SessionObject extends ManagedObject {
  close(): void;
}

export class Session {
  /** The cookie's value. */
  readonly id = randomUUID();
  /** As `SessionIsActive` and `TerminateSession` name it. */
  readonly key = randomUUID();
  readonly username: string;
  readonly loginAt = new Date();
  lastActiveAt = Date.now();
  calls = 0;
  /** Answers of RetrievePropertiesEx that are not yet fetched, by token. */
  readonly pages = new Map<string, readonly Selected[]>();
  readonly #objects = new Map<string, SessionObject>();
  #lastObject = 0;

  constructor(username: string) {
    this.username = username;
  }

  /** `session[key]` and a number, as vCenter names views and collectors. */
  newName(): string {
    this.#lastObject += 1;
    return `session[${this.key}]${this.#lastObject}`;
  }

  add(object: SessionObject): void {
    this.#objects.set(object.ref.value, object);
  }

  find(value: string): SessionObject | undefined {
    return this.#objects.get(value);
  }

  remove(value: string): void {
    this.#objects.get(value)?.close();
    this.#objects.delete(value);
  }

  close(): void {
    for (const object of this.#objects.values()) object.close();
    this.#objects.clear();
  }

  /** As `SessionManager.currentSession` shows it. */
  toUserSession(): DataObject {
    return vim('UserSession', {
      key: this.key,
      userName: this.username,
      fullName: this.username,
      loginTime: this.loginAt,
      lastActiveTime: new Date(this.lastActiveAt),
      locale: 'en',
      messageLocale: 'en',
      extensionSession: false,
      ipAddress: '127.0.0.1',
      userAgent: '',
      callCount: this.calls,
    });
  }
}

export interface SessionOptions {
  username: string;
  password: string;
  idleSeconds: number;
}

/** Who is logged in, and the tickets that stand for a session. */
export class Sessions {
  readonly #options: SessionOptions;
  readonly #faults: VcenterFaults;
  readonly #sessions = new Map<string, Session>();
  readonly #cloneTickets = new Map<string, Session>();
  /** Ticket for a single URL. */
  readonly #urlTickets = new Map<string, { url: string; method: string }>();

  constructor(options: SessionOptions, faults: VcenterFaults) {
    this.#options = options;
    this.#faults = faults;
  }

  get all(): readonly Session[] {
    return [...this.#sessions.values()];
  }

  accepts(username: string, password: string): boolean {
    return username === this.#options.username && password === this.#options.password;
  }

  /** Throws InvalidLogin. */
  login(username: string, password: string): Session {
    if (!this.accepts(username, password)) {
      throw new VimFault('InvalidLogin', 'Cannot complete login due to an incorrect user name or password.');
    }
    return this.#open(username);
  }

  /** The living session of a cookie. */
  find(id: string | undefined): Session | undefined {
    const session = id === undefined ? undefined : this.#sessions.get(id);
    if (session === undefined) return undefined;
    if (Date.now() - session.lastActiveAt > this.#options.idleSeconds * 1000) {
      this.end(session);
      return undefined;
    }
    session.lastActiveAt = Date.now();
    return session;
  }

  /** Counts a call, which may be the session's last. */
  count(session: Session): void {
    session.calls += 1;
    const limit = this.#faults.sessionExpiresAfterCalls;
    if (limit > 0 && session.calls > limit) this.end(session);
  }

  isLive(session: Session): boolean {
    return this.#sessions.has(session.id);
  }

  end(session: Session): void {
    this.#sessions.delete(session.id);
    session.close();
  }

  /** Answers how many there were. */
  endAll(): number {
    const sessions = this.all;
    for (const session of sessions) this.end(session);
    return sessions.length;
  }

  cloneTicket(session: Session): string {
    const ticket = `cst-VCT-${randomUUID()}`;
    this.#cloneTickets.set(ticket, session);
    return ticket;
  }

  /** Another session of the ticket's owner; a ticket serves once. Throws InvalidLogin. */
  clone(ticket: string): Session {
    const owner = this.#cloneTickets.get(ticket);
    this.#cloneTickets.delete(ticket);
    if (owner === undefined || !this.isLive(owner)) {
      throw new VimFault('InvalidLogin', 'Cannot complete login due to an incorrect user name or password.');
    }
    return this.#open(owner.username);
  }

  urlTicket(url: string, method: string): string {
    const ticket = `cst-VCT-${randomUUID()}--tp`;
    this.#urlTickets.set(ticket, { url, method });
    return ticket;
  }

  /** Whether the ticket is for this path and method. It serves once. */
  redeem(ticket: string, path: string, method: string): boolean {
    const found = this.#urlTickets.get(ticket);
    if (found === undefined || !URL.canParse(found.url)) return false;
    const wanted = found.method === 'httpHead' ? 'HEAD' : 'GET';
    const fits = new URL(found.url).pathname === path && (wanted === method || wanted === 'GET');
    if (fits) this.#urlTickets.delete(ticket);
    return fits;
  }

  #open(username: string): Session {
    const session = new Session(username);
    this.#sessions.set(session.id, session);
    return session;
  }
}
