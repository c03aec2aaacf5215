/** A changeId: the UUID names one run of the tracking, the number counts its snapshots. */
export interface ChangeId {
  readonly uuid: string;
  readonly sequence: number;
}

/** Reads `52 de c0 … 65 63/81`; undefined for anything else, such as `*`. */
export function parseChangeId(text: string): ChangeId | undefined {
  const match = /^([0-9a-f]{2}(?:[ -]?[0-9a-f]{2})*)\/(\d{1,15})$/i.exec(text.trim());
  if (match?.[1] === undefined || match[2] === undefined) return undefined;
  return { uuid: match[1].replace(/[ -]/g, '').toLowerCase(), sequence: Number(match[2]) };
}

/**
 * Whether changes since `earlier` can be asked of the snapshot that bears `later`. Another UUID means that the tracking was reset, a lower
 * number that the VM was reverted to a snapshot (pitfall 4): both make changed areas meaningless. An equal one proves nothing, as not every server
 * raises it with each snapshot, and a revert may hide behind snapshots that were taken since.
 */
export function continuityOf(earlier: string, later: string): 'continues' | 'reset' | 'reverted' {
  const [from, to] = [parseChangeId(earlier), parseChangeId(later)];
  if (!from || !to || from.uuid !== to.uuid) return 'reset';
  return to.sequence < from.sequence ? 'reverted' : 'continues';
}
