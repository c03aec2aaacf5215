import { OsseaError } from '../../../appliance-agent/src/contract/index.ts';
import type { InventoryIndex } from './inventoryIndex.ts';

type Outcome = { readonly index: InventoryIndex } | { readonly error: string };

/**
 * Has the index of an inventory made in another thread.
 * @throws OsseaError `agent.internal` where the text does not fit the contract
 */
export async function readInventory(text: string): Promise<InventoryIndex> {
  const worker = new Worker(new URL('./inventoryReader.worker.ts', import.meta.url), { type: 'module' });
  const { port1, port2 } = new MessageChannel();
  try {
    const outcome = await new Promise<Outcome>((resolve, reject) => {
      port1.onmessage = ({ data }: MessageEvent<Outcome>) => resolve(data);
      worker.onerror = ({ message }) => reject(unreadable(message));
      worker.postMessage(text, [port2]);
    });
    if ('error' in outcome) throw unreadable(outcome.error);
    return outcome.index;
  } finally {
    port1.close();
    worker.terminate();
  }
}

function unreadable(why: string): OsseaError {
  return new OsseaError('agent.internal', `The inventory cannot be read: ${why}`, {
    remedy: 'See that the versions of the agent and the console fit each other.',
  });
}
