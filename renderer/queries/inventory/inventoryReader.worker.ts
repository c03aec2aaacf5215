/**
 * Reads an inventory in a thread of its own: the window stays smooth meanwhile, and what the reading took is given back as
 * a whole when the thread ends.
 */
import { indexInventory } from './inventoryIndex.ts';

addEventListener('message', ({ data, ports: [port] }: MessageEvent<string>) => {
  indexInventory(data).then(
    (index) => port?.postMessage({ index }),
    (error: unknown) => port?.postMessage({ error: error instanceof Error ? error.message : String(error) }),
  );
});
