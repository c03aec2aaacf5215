import type { Places } from '../inventory/places.ts';
import type { ManagedObject, Site } from '../inventory/site.ts';
import { noPermission, notFound } from '../soap/fault.ts';
import type { Arguments } from '../soap/request.ts';
import type { Reference, VimValue } from '../soap/value.ts';
import type { VirtualMachine } from '../vm/virtualMachine.ts';
import type { CallLog, Chances } from './calls.ts';
import type { Session, Sessions } from './sessions.ts';
import type { Tasks } from './tasks.ts';

/** The parts of the vCenter that methods and routes work with. */
export interface Core {
  readonly site: Site;
  readonly places: Places;
  readonly vms: Map<string, VirtualMachine>;
  readonly sessions: Sessions;
  readonly tasks: Tasks;
  readonly chances: Chances;
  readonly log: CallLog;
  readonly instanceUuid: string;
  readonly trackingBlockBytes: number;
  /** Waits for the turn of so many bytes, where reads have a rate. */
  readonly throttle: ((bytes: number) => Promise<void>) | undefined;
  /** Bytes of extents that `/folder` has sent. */
  folderBytes: number;
  /** Bytes of streams that exports have sent. */
  nfcBytes: number;
  /** `127.0.0.1:<port>`, known once it listens. */
  authority: string;
  /** SHA-1 of the certificate, `AA:BB:…`. */
  thumbprint: string;
}

/** One call of a method. */
export interface MethodCall {
  readonly core: Core;
  /** Of the one who calls; the methods before a login do without. */
  readonly session: Session | undefined;
  readonly target: ManagedObject;
  readonly args: Arguments;
  /** Aborts when the client hangs up. */
  readonly signal: AbortSignal;
  /** Starts a session for the one who calls, or ends it. */
  setSession(session: Session | undefined): void;
}

export type Method = (call: MethodCall) => VimValue | undefined | Promise<VimValue | undefined>;
export type Methods = Readonly<Record<string, Method>>;

/** The session of a call that cannot come without one. */
export function sessionOf(call: MethodCall): Session {
  if (call.session === undefined) throw new Error('a method that needs a session was called without');
  return call.session;
}

/** Throws ManagedObjectNotFound. */
export function vmOf(core: Core, ref: Reference): VirtualMachine {
  const vm = core.vms.get(ref.value);
  if (vm === undefined) throw notFound(ref);
  return vm;
}

/** Throws NoPermission. */
export function requirePrivilege(core: Core, object: Reference, privilege: string): void {
  if (core.site.faults.deniedPrivileges.includes(privilege)) throw noPermission(object, privilege);
}
