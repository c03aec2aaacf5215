import { join } from 'node:path';
import type { Page } from 'playwright';
import { beforeEach } from 'vitest';

const folder = join(import.meta.dirname, '..', '..', '..', '.cache', 'console-failures');

/** Keeps a picture of the window for each test of the file that fails. */
export function keepPictures(page: () => Page | undefined): void {
  beforeEach(({ task, onTestFailed }) => {
    onTestFailed(async () => {
      const path = join(folder, `${task.name.replace(/\W+/g, '-')}.png`);
      // A window that is gone has no picture.
      await page()
        ?.screenshot({ path, timeout: 5000 })
        .catch(() => undefined);
    });
  });
}
