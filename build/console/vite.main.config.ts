import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { defineConfig } from 'vite';

const root = join(import.meta.dirname, '..', '..');
const packaged = new Set(['electron', 'keytar', 'cpu-features', ...builtinModules]);
/** Native code cannot be bundled; ssh2 does without its own where it is not found. */
const external = (name: string) => packaged.has(name) || name.startsWith('node:') || name.endsWith('.node');

/** The main process: a small entry that opens the window, and what is loaded behind it. */
export default defineConfig({
  root: join(root, 'electron'),
  resolve: { conditions: ['node'], mainFields: ['module', 'main'] },
  build: {
    outDir: join(root, 'dist', 'main'),
    emptyOutDir: true,
    // Read from the disk; the bench of the console watches its size.
    chunkSizeWarningLimit: 4096,
    target: 'node20',
    minify: false,
    sourcemap: true,
    ssr: true,
    rollupOptions: {
      input: join(root, 'electron', 'main.ts'),
      external,
      // CommonJS: so do most of the packages, and it loads faster than a module.
      output: {
        format: 'cjs',
        entryFileNames: 'main.cjs',
        chunkFileNames: '[name].cjs',
        // Names stay, for the traces in the log; what is left out need not be read at every start.
        minify: { compress: true, mangle: false, codegen: true },
      },
    },
  },
  ssr: { noExternal: true },
});
