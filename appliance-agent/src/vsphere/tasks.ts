import { OsseaError } from '../contract/index.ts';
import { errorOfTask } from './fault.ts';
import { type ManagedObject, readReference, reference } from './managedObject.ts';
import type { SoapSession } from './soapSession.ts';
import { child, children, text, type XmlValue } from './xml.ts';

/** One wait at the server; shorter than the HTTP timeout. Seconds. */
const waitSeconds = 30;

/**
 * Waits for a task and answers its result. Each waiter has a property collector of its own, as one collector serves one waiter at a time.
 * @throws OsseaError of the task's fault; `vsphere.timeout` after `timeoutMs`, the task then goes on at the server
 */
export async function waitForTask(
  session: SoapSession,
  collector: ManagedObject,
  task: ManagedObject,
  subject: string,
  options: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
): Promise<XmlValue | undefined> {
  const { timeoutMs, signal } = options;
  const own = readReference(await session.call('CreatePropertyCollector', collector, {}, signal));
  if (!own) throw new OsseaError('vsphere.protocol', `${subject}: vCenter made no property collector.`);
  const deadline = performance.now() + timeoutMs;
  try {
    await session.call(
      'CreateFilter',
      own,
      {
        spec: {
          propSet: { type: 'Task', pathSet: ['info.state', 'info.error', 'info.result'] },
          objectSet: { obj: reference(task), skip: false },
        },
        partialUpdates: false,
      },
      signal,
    );
    const known = new Map<string, XmlValue>();
    let version = '';
    for (;;) {
      const update = await session.call(
        'WaitForUpdatesEx',
        own,
        { version, options: { maxWaitSeconds: waitSeconds } },
        signal,
      );
      // No answer is the end of one wait; the next goes on from the same version.
      version = text(update, 'version') ?? version;
      for (const set of children(update, 'filterSet')) {
        for (const object of children(set, 'objectSet')) {
          for (const change of children(object, 'changeSet')) {
            const value = child(change, 'val');
            if (value !== undefined) known.set(text(change, 'name') ?? '', value);
          }
        }
      }
      const state = text(known.get('info.state'));
      if (state === 'success') return known.get('info.result');
      if (state === 'error') throw errorOfTask(known.get('info.error'), subject);
      if (performance.now() > deadline) {
        throw new OsseaError(
          'vsphere.timeout',
          `${subject} did not end within ${Math.round(timeoutMs / 60_000)} minutes.`,
          {
            remedy: 'Look at the task in vCenter; it goes on there.',
            retryable: true,
          },
        );
      }
    }
  } finally {
    // A collector that cannot be destroyed ends with the session.
    await session.call('DestroyPropertyCollector', own).catch(() => undefined);
  }
}
