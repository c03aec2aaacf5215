import { OsseaError } from '../contract/index.ts';
import { type ManagedObject, readReference, reference } from './managedObject.ts';
import type { SoapSession } from './soapSession.ts';
import { child, children, text, type XmlValue } from './xml.ts';

/** One wait at the server; shorter than the HTTP timeout. Seconds. */
const waitSeconds = 30;

export interface PropertyWait {
  readonly object: ManagedObject;
  /** Of its properties, such as `info.state`. */
  readonly paths: readonly string[];
  /** How messages name what is waited for. */
  readonly subject: string;
  /** On the clock of `performance.now()`. */
  readonly deadline: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * Waits until an object's properties are as wanted; `late` when that takes too long, `gone` when the server knows the object no more.
 * Each waiter has a property collector of its own, as one collector serves one waiter at a time.
 *
 * @param judge is given what is known of the properties after each change; what it answers ends the waiting
 */
export async function waitForProperties<T>(
  session: SoapSession,
  collector: ManagedObject,
  { object, paths, subject, deadline, signal }: PropertyWait,
  judge: (known: ReadonlyMap<string, XmlValue>) => T | undefined,
): Promise<T | 'late' | 'gone'> {
  const own = readReference(await session.call('CreatePropertyCollector', collector, {}, signal));
  if (!own) throw new OsseaError('vsphere.protocol', `${subject}: vCenter made no property collector.`);
  try {
    const spec = {
      propSet: { type: object.type, pathSet: [...paths] },
      objectSet: { obj: reference(object), skip: false },
    };
    await session.call('CreateFilter', own, { spec, partialUpdates: false }, signal);
    const known = new Map<string, XmlValue>();
    for (let version = ''; ; ) {
      const leftSeconds = Math.ceil((deadline - performance.now()) / 1000);
      // The first answer tells of everything that is there, at once (vSphere API, WaitForUpdatesEx).
      const first = version === '';
      const maxWaitSeconds = first ? 0 : Math.min(waitSeconds, Math.max(0, leftSeconds));
      const update = await session.call(
        'WaitForUpdatesEx',
        own,
        { version, options: { maxWaitSeconds } },
        signal,
      );
      // No answer is the end of one wait; the next goes on from the same version.
      version = text(update, 'version') ?? version;
      if (!takeUpdate(update, known)) return 'gone';
      // It went between the filter and the first look: nothing would ever be told of it.
      if (first && known.size === 0) return 'gone';
      const judgement = judge(known);
      if (judgement !== undefined) return judgement;
      if (performance.now() > deadline) return 'late';
    }
  } finally {
    // A collector that cannot be destroyed ends with the session.
    await session.call('DestroyPropertyCollector', own).catch(() => undefined);
  }
}

/** Notes what has changed; false when the object is gone. */
function takeUpdate(update: XmlValue | undefined, known: Map<string, XmlValue>): boolean {
  const objects = children(update, 'filterSet').flatMap((set) => children(set, 'objectSet'));
  for (const change of objects.flatMap((object) => children(object, 'changeSet'))) {
    const value = child(change, 'val');
    if (value !== undefined) known.set(text(change, 'name') ?? '', value);
  }
  return objects.every((object) => text(object, 'kind') !== 'leave');
}
