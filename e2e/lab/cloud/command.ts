import type { Answer, StartedJob } from './jobs.ts';
import type { Call } from './site.ts';

export type { Answer, StartedJob } from './jobs.ts';
export type { Call } from './site.ts';

/** A parameter as `listApis` tells it. */
export interface ParameterSpec {
  type: 'uuid' | 'string' | 'integer' | 'long' | 'boolean' | 'list' | 'map' | 'date';
  required?: true;
  /** The first version that has it; an older cloud neither lists nor reads it. */
  since?: string;
}

interface CommandBase {
  description: string;
  /** Only root administrators may call it. */
  admin?: true;
  parameters: Record<string, ParameterSpec>;
}

export type Command = CommandBase &
  (
    | {
        kind: 'list';
        /** The name of the array in the answer. */
        item: string;
        run(call: Call): Answer[];
      }
    | { kind: 'sync'; run(call: Call): Answer | Promise<Answer> }
    | { kind: 'async'; start(call: Call): StartedJob }
  );

export type Commands = Record<string, Command>;

/** The parameters that every list command has. */
export const listParameters: Record<string, ParameterSpec> = {
  page: { type: 'integer' },
  pagesize: { type: 'integer' },
  keyword: { type: 'string' },
};

/** The parameters of lists that a domain divides. */
export const domainListParameters: Record<string, ParameterSpec> = {
  ...listParameters,
  domainid: { type: 'uuid' },
  listall: { type: 'boolean' },
  isrecursive: { type: 'boolean' },
};

/** The parameters of lists of things that belong to an account. */
export const ownedListParameters: Record<string, ParameterSpec> = {
  ...domainListParameters,
  account: { type: 'string' },
};
