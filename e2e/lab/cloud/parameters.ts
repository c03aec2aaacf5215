import { ApiError } from './apiError.ts';

/** The parameters of one call. Names are matched without regard to case, as the server does; keys within maps keep theirs. */
export class Parameters {
  readonly #command: string;
  readonly #values = new Map<string, string>();
  readonly #maps = new Map<string, Map<number, Record<string, string>>>();

  constructor(command: string, pairs: readonly (readonly [string, string])[]) {
    this.#command = command;
    for (const [name, value] of pairs) {
      const indexed = /^([^[]+)\[(\d+)\](?:\.(.+))?$/.exec(name);
      if (indexed === null) {
        this.#values.set(name.toLowerCase(), value);
        continue;
      }
      const base = indexed[1]!.toLowerCase();
      const entries = this.#maps.get(base) ?? new Map<number, Record<string, string>>();
      const index = Number(indexed[2]);
      entries.set(index, { ...entries.get(index), [indexed[3] ?? 'value']: value });
      this.#maps.set(base, entries);
    }
  }

  /** @throws ApiError 431 naming the parameter that is missing */
  require(name: string): string {
    const value = this.text(name);
    if (value === undefined) {
      throw new ApiError(
        'parameter',
        `Unable to execute API command ${this.#command.toLowerCase()} due to missing parameter ${name}`,
      );
    }
    return value;
  }

  text(name: string): string | undefined {
    const value = this.#values.get(name);
    return value === undefined || value === '' ? undefined : value;
  }

  flag(name: string): boolean | undefined {
    const value = this.text(name)?.toLowerCase();
    return value === undefined ? undefined : value === 'true';
  }

  /** @throws ApiError 431 when it is not a whole number */
  integer(name: string): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    if (!/^-?\d+$/.test(value)) {
      throw new ApiError(
        'parameter',
        `Unable to execute API command ${this.#command.toLowerCase()} due to invalid value ${value} for parameter ${name}`,
      );
    }
    return Number(value);
  }

  /** `a,b`. */
  list(name: string): string[] {
    return (
      this.text(name)
        ?.split(',')
        .map((item) => item.trim())
        .filter((item) => item !== '') ?? []
    );
  }

  /** `name[0].a=1&name[0].b=2&name[1].a=3`, in the order of the indexes. */
  records(name: string): Record<string, string>[] {
    const entries = this.#maps.get(name);
    if (entries === undefined) return [];
    return [...entries].toSorted(([a], [b]) => a - b).map(([, record]) => record);
  }

  /** All records of `name[i].key=value` as one. */
  merged(name: string): Record<string, string> {
    return Object.assign({}, ...this.records(name));
  }

  /** `name[i].key=…&name[i].value=…`, the way of tags. */
  pairs(name: string): Record<string, string> {
    return Object.fromEntries(this.records(name).map(({ key = '', value = '' }) => [key, value]));
  }

  /** Whether the parameter was given in any form. */
  has(name: string): boolean {
    return this.text(name) !== undefined || this.#maps.has(name);
  }
}
