import { isOsseaError, OsseaError } from '../contract/index.ts';
import { errorOfTask } from './fault.ts';
import type { ManagedObject } from './managedObject.ts';
import { waitForProperties } from './propertyWait.ts';
import type { SoapSession } from './soapSession.ts';
import { text, type XmlValue } from './xml.ts';

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
  const paths = ['info.state', 'info.error', 'info.result'];
  const outcome = await session
    .withinSession(() =>
      waitForProperties(session, collector, { object: task, paths, subject, deadline, signal }, outcomeOf),
    )
    .catch((error: unknown) => {
      // Forgotten before it was looked at.
      if (isOsseaError(error, 'vsphere.not-found')) return 'gone' as const;
      throw error;
    });
  if (outcome === 'late') {
    throw new OsseaError(
      'vsphere.timeout',
      `${subject} did not end within ${Math.round(timeoutMs / 1000)} seconds.`,
      { remedy: 'Look at the task in vCenter; it goes on there.', retryable: true },
    );
  }
  if (outcome === 'gone') {
    throw new OsseaError('vsphere.not-found', `${subject}: vCenter has forgotten the task.`, {
      remedy: 'Look at the VM in vCenter: what the task should have done tells how it ended.',
      // Who asks again looks first.
      retryable: true,
    });
  }
  if ('error' in outcome) throw errorOfTask(outcome.error, subject);
  return outcome.result;
}

function outcomeOf(info: ReadonlyMap<string, XmlValue>): Outcome | undefined {
  const state = text(info.get('info.state'));
  if (state === 'success') return { result: info.get('info.result') };
  if (state === 'error') return { error: info.get('info.error') };
  return undefined;
}
