import type { z } from 'zod';
import type { RouteName, routes } from '../../../appliance-agent/src/contract/index.ts';

type Reply<R extends RouteName> = z.input<(typeof routes)[R]['reply']>;
/** What the sample agent answers; the rest answers `request.not-found`. */
export type Answers = {
  readonly [R in RouteName]?: (input: { params?: unknown; query?: unknown; body?: unknown }) => Reply<R>;
};
