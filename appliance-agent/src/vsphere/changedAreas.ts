import { type MoRef, OsseaError } from '../contract/index.ts';
import type { ByteRange } from '../disk/extent.ts';
import { managedObject, reference } from './managedObject.ts';
import type { SoapSession } from './soapSession.ts';
import { children, number } from './xml.ts';

export interface ChangedAreasRequest {
  readonly vm: MoRef;
  /** Undefined: up to now, of a VM that is powered off; vSphere refuses it for one that runs. */
  readonly snapshot: MoRef | undefined;
  readonly deviceKey: number;
  readonly capacityBytes: number;
  /** Since when; `*` for the areas in use, which is only a hint (Broadcom KB 320557). */
  readonly changeId: string;
}

/** One answer of QueryChangedDiskAreas: it describes `[startOffset, startOffset + length)`, and that alone. */
export interface ChangedPage {
  readonly startOffset: number;
  readonly length: number;
  readonly areas: readonly ByteRange[];
}

/**
 * Goes through the pages of a disk. A page without areas says that nothing changed in its span, and others follow; the end is the
 * capacity, at which the server must not be asked (pitfalls 1 and 2: data was lost by tools that stopped at the first empty page).
 * Areas are clamped to the disk.
 * @throws OsseaError `vsphere.changed-blocks` for a page that does not lead on
 */
export async function* pageAreas(
  capacityBytes: number,
  ask: (startOffset: number) => Promise<ChangedPage>,
): AsyncIterable<ByteRange> {
  for (let startOffset = 0; startOffset < capacityBytes; ) {
    const page = await ask(startOffset);
    const next = page.startOffset + page.length;
    if (page.length <= 0 || next <= startOffset || page.startOffset > startOffset) {
      throw new OsseaError(
        'vsphere.changed-blocks',
        `Asked for changed areas from ${startOffset}, vCenter answered for ${page.length} bytes from ${page.startOffset}.`,
        {
          remedy:
            'The disk is compared as a whole instead; if it happens again, reset changed block tracking.',
        },
      );
    }
    for (const { offset, length } of page.areas) {
      const end = Math.min(offset + length, capacityBytes);
      if (offset >= 0 && end > offset) yield { offset, length: end - offset };
    }
    startOffset = next;
  }
}

/** All areas that changed between a changeId and a snapshot, or now. @throws OsseaError `vsphere.file-fault` where the tracking was reset; `vsphere.*` */
export function queryChangedAreas(
  session: SoapSession,
  { vm, snapshot, deviceKey, capacityBytes, changeId }: ChangedAreasRequest,
  signal?: AbortSignal,
): AsyncIterable<ByteRange> {
  return pageAreas(capacityBytes, async (startOffset) => {
    const answer = await session.call(
      'QueryChangedDiskAreas',
      managedObject('VirtualMachine', vm),
      {
        ...(snapshot !== undefined && {
          snapshot: reference(managedObject('VirtualMachineSnapshot', snapshot)),
        }),
        deviceKey,
        startOffset,
        changeId,
      },
      signal,
    );
    return {
      startOffset: number(answer, 'startOffset') ?? 0,
      length: number(answer, 'length') ?? 0,
      areas: children(answer, 'changedArea').map((area) => ({
        offset: number(area, 'start') ?? 0,
        length: number(area, 'length') ?? 0,
      })),
    };
  });
}
