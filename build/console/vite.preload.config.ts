import { join } from 'node:path';
import { defineConfig } from 'vite';

const root = join(import.meta.dirname, '..', '..');

/** The preload script in one file. */
export default defineConfig({
  root: join(root, 'electron'),
  build: {
    outDir: join(root, 'dist', 'preload'),
    emptyOutDir: true,
    target: 'chrome130',
    minify: false,
    sourcemap: true,
    ssr: true,
    rollupOptions: {
      input: join(root, 'electron', 'preload.ts'),
      external: ['electron'],
      // A sandboxed preload script must be CommonJS.
      output: { format: 'cjs', entryFileNames: 'preload.cjs' },
    },
  },
  ssr: { noExternal: true },
});
