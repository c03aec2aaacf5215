import type { AuditEntry } from '../../../appliance-agent/src/contract/index.ts';

/** As many as the agent tells at once. */
export const pageSize = 1000;

/** What an export holds at most, so that a spreadsheet opens it. */
export const mostExported = 100_000;

/** Before which entry the next older page begins; undefined: the page was the last. */
export function nextBefore(page: readonly Pick<AuditEntry, 'id'>[]): number | undefined {
  return page.length < pageSize ? undefined : page.at(-1)?.id;
}

/** Reads the whole log, newest first, page by page, until its end or `mostExported`. */
export async function readAll(
  readPage: (before: number | undefined) => Promise<readonly AuditEntry[]>,
): Promise<readonly AuditEntry[]> {
  const entries: AuditEntry[] = [];
  let before: number | undefined;
  do {
    const page = await readPage(before);
    entries.push(...page);
    before = nextBefore(page);
  } while (before !== undefined && entries.length < mostExported);
  return entries;
}
