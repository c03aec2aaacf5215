import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { defineConfig } from 'vite';

const root = join(import.meta.dirname, '..', '..');
const packaged = new Set(['electron', 'keytar', 'cpu-features', ...builtinModules]);
/** Native code cannot be bundled; ssh2 does without its own where it is not found. */
const external = (name: string) => packaged.has(name) || name.startsWith('node:') || name.endsWith('.node');

/** The main process and the preload script, each bundled into one file; `OSSEA_BUNDLE` says which. */
const preload = process.env.OSSEA_BUNDLE === 'preload';

export default defineConfig({
  root: join(root, 'electron'),
  resolve: { conditions: ['node'], mainFields: ['module', 'main'] },
  build: {
    outDir: join(root, 'dist', preload ? 'preload' : 'main'),
    emptyOutDir: true,
    target: 'node20',
    minify: false,
    sourcemap: true,
    ssr: true,
    rollupOptions: {
      input: join(root, 'electron', preload ? 'preload.ts' : 'main.ts'),
      external,
      // A sandboxed preload script must be CommonJS.
      output: preload
        ? { format: 'cjs', entryFileNames: 'preload.cjs' }
        : { format: 'es', entryFileNames: 'main.js', codeSplitting: false },
    },
  },
  ssr: { noExternal: true },
});
