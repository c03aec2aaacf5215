import type { z } from 'zod';
import type { DoctorReport, Health, RouteName, routes } from '../contract/index.ts';
import type { Leases } from '../leases/leases.ts';
import type { Engine } from '../workflows/engine.ts';
import type { Caller } from './accessTokens.ts';
import type { AuditLog, ReadModel, TokenStore } from './ports.ts';

/** What the API stands on. */
export interface ApiServices {
  readonly engine: Engine;
  readonly leases: Leases;
  readonly tokens: TokenStore;
  readonly audit: AuditLog;
  readonly read: ReadModel;
  readonly version: string;
  /** Resolves when recovered work runs and operations may be asked for; only the health is told before. */
  readonly ready: Promise<void>;
  doctor(): Promise<DoctorReport>;
  health(): Promise<Health>;
}

type RouteOf<N extends RouteName> = (typeof routes)[N];
type Output<R, Part extends string> =
  R extends Record<Part, infer S extends z.ZodType> ? z.output<S> : undefined;

/** A request that passed its schemas. */
export interface Input<N extends RouteName> {
  readonly params: Output<RouteOf<N>, 'params'>;
  readonly query: Output<RouteOf<N>, 'query'>;
  readonly body: Output<RouteOf<N>, 'body'>;
  readonly caller: Caller;
  /** Adds what the audit entry of a change should tell besides who, what and which. Never a secret. */
  note(detail: string): void;
}

/** One function for each operation of the contract; a missing or mistyped one does not compile. */
export type Handlers = {
  readonly [N in RouteName]: (input: Input<N>) => Promise<z.output<RouteOf<N>['reply']>>;
};

/** Some of the handlers, by the names of their routes. */
export type HandlersOf<N extends RouteName> = Pick<Handlers, N>;
