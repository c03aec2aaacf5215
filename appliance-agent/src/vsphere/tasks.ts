import { OsseaError } from '../contract/index.ts';
import { errorOfTask } from './fault.ts';
import { type ManagedObject, readReference, reference } from './managedObject.ts';
import type { SoapSession } from './soapSession.ts';
import { child, children, text, type XmlValue } from './xml.ts';

/** One wait at the server; shorter than the HTTP timeout. Seconds. */
const waitSeconds = 30;

/** How a task ended; its error is the task's, not of the waiting. */
type Outcome = { readonly result: XmlValue | undefined } | { readonly error: XmlValue | undefined };

/**
 * Waits for a task and answers its result. A session that ends meanwhile does not matter.
 * @throws OsseaError of the task's fault; `vsphere.timeout` after `timeoutMs`, the task then goes on at the server;
 * `vsphere.not-found` where the server has forgotten the task, as ESXi does: what it should have done tells how it ended
 */
export async function waitForTask(
  session: SoapSession,
  collector: ManagedObject,
  task: ManagedObject,
  subject: string,
  options: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
): Promise<XmlValue | undefined> {
  const { timeoutMs, signal } = options;
  const deadline = performance.now() + timeoutMs;
  const outcome = await session.withinSession(() =>
    watch(session, collector, task, subject, { deadline, signal }),
  );
  if (outcome === 'late') {
    throw new OsseaError(
      'vsphere.timeout',
      `${subject} did not end within ${Math.round(timeoutMs / 1000)} seconds.`,
      { remedy: 'Look at the task in vCenter; it goes on there.', retryable: true },
    );
  }
  if ('error' in outcome) throw errorOfTask(outcome.error, subject);
  return outcome.result;
}

/** Each waiter has a property collector of its own, as one collector serves one waiter at a time. */
async function watch(
  session: SoapSession,
  collector: ManagedObject,
  task: ManagedObject,
  subject: string,
  { deadline, signal }: { readonly deadline: number; readonly signal: AbortSignal | undefined },
): Promise<Outcome | 'late'> {
  const own = readReference(await session.call('CreatePropertyCollector', collector, {}, signal));
  if (!own) throw new OsseaError('vsphere.protocol', `${subject}: vCenter made no property collector.`);
  try {
    const spec = {
      propSet: { type: 'Task', pathSet: ['info.state', 'info.error', 'info.result'] },
      objectSet: { obj: reference(task), skip: false },
    };
    await session.call('CreateFilter', own, { spec, partialUpdates: false }, signal);
    const known = new Map<string, XmlValue>();
    for (let version = ''; ; ) {
      const leftSeconds = Math.ceil((deadline - performance.now()) / 1000);
      const maxWaitSeconds = Math.min(waitSeconds, Math.max(0, leftSeconds));
      const update = await session.call(
        'WaitForUpdatesEx',
        own,
        { version, options: { maxWaitSeconds } },
        signal,
      );
      // No answer is the end of one wait; the next goes on from the same version.
      version = text(update, 'version') ?? version;
      if (!takeUpdate(update, known)) {
        throw new OsseaError('vsphere.not-found', `${subject}: vCenter has forgotten the task.`, {
          remedy: 'Look at the VM in vCenter: what the task should have done tells how it ended.',
        });
      }
      const state = text(known.get('info.state'));
      if (state === 'success') return { result: known.get('info.result') };
      if (state === 'error') return { error: known.get('info.error') };
      if (performance.now() > deadline) return 'late';
    }
  } finally {
    // A collector that cannot be destroyed ends with the session.
    await session.call('DestroyPropertyCollector', own).catch(() => undefined);
  }
}

/** Notes what has changed; false when the task is gone. */
function takeUpdate(update: XmlValue | undefined, known: Map<string, XmlValue>): boolean {
  const objects = children(update, 'filterSet').flatMap((set) => children(set, 'objectSet'));
  for (const change of objects.flatMap((object) => children(object, 'changeSet'))) {
    const value = child(change, 'val');
    if (value !== undefined) known.set(text(change, 'name') ?? '', value);
  }
  return objects.every((object) => text(object, 'kind') !== 'leave');
}
