import { join } from 'node:path';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const root = join(import.meta.dirname, '..', '..');

/** The renderer: one page, split by screen so that the first load stays small. */
export default defineConfig({
  root: join(root, 'renderer'),
  base: '/',
  plugins: [react()],
  build: {
    outDir: join(root, 'dist', 'renderer'),
    emptyOutDir: true,
    // Read from the disk; the bench of the console watches its size.
    chunkSizeWarningLimit: 4096,
    target: 'chrome130',
    // The content security policy forbids inline scripts.
    modulePreload: { polyfill: false },
  },
});
