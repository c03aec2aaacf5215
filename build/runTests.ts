/**
 * Runs every check and test, and closes with `N passed, N failed`, the line that CI reads.
 *
 *   node build/runTests.ts [arguments of vitest]            with arguments only vitest runs
 *   node build/runTests.ts --slow [arguments of vitest]     the tests that take minutes each, instead of the others
 *   node build/runTests.ts --boot [arguments of vitest]     the tests that boot and convert guests, instead of the others
 *   node build/runTests.ts --with-boot                      those that boot too, after the others
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

const root = join(import.meta.dirname, '..');
const report = join(root, '.cache', 'vitest.json');
const usual = ['tests', 'whole', 'measured'];
/** vitest's projects, by the word that chooses them. */
const choices: Record<string, readonly string[]> = {
  '--slow': ['slow'],
  '--boot': ['boot', 'conversion'],
  '--with-boot': [...usual, 'boot'],
};
const chosen = choices[process.argv[2] ?? ''];
const projects = chosen ?? usual;
const vitestArguments = process.argv.slice(chosen ? 3 : 2);

interface VitestReport {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numFailedTestSuites: number;
  testResults: {
    name: string;
    status: string;
    message: string;
    assertionResults: { fullName: string; status: string; failureMessages: string[] }[];
  }[];
}

/** A line for each test that failed, and for each file that failed before its tests or after them. */
function failuresOf({ testResults }: VitestReport): string[] {
  const firstLine = (words = '') => stripVTControlCharacters(words).split('\n')[0]?.slice(0, 160) ?? '';
  return testResults.flatMap(({ name, status, message, assertionResults }) => {
    const file = relative(root, name);
    const tests = assertionResults.filter((test) => test.status === 'failed');
    if (tests.length === 0) return status === 'failed' ? [`${file}: ${firstLine(message)}`] : [];
    return tests.map((test) => `${file}: ${test.fullName}: ${firstLine(test.failureMessages[0])}`);
  });
}

/** What is killed in a test cannot clear up after itself. The name is short, as there are sockets below. */
const scratch = mkdtempSync(join(tmpdir(), 'ot-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
const env = { ...process.env, TMPDIR: scratch };

function run(title: string, program: string, programArguments: string[]): boolean {
  console.log(`\n── ${title}`);
  const started = performance.now();
  const { status } = spawnSync(program, programArguments, { cwd: root, stdio: 'inherit', env });
  console.log(`   ${status === 0 ? 'ok' : 'FAILED'}, ${((performance.now() - started) / 1000).toFixed(1)} s`);
  return status === 0;
}

const layered = ['appliance-agent/src', 'electron', 'renderer', 'e2e', 'build'];
const checks: [string, string, string[]][] =
  vitestArguments.length > 0 || !projects.includes('tests')
    ? []
    : [
        ['types', 'tsc', ['-b']],
        ['format and lint', 'biome', ['check', '.']],
        ['bundles of the console', process.execPath, ['build/console/bundle.ts']],
        ['bundle of the agent', process.execPath, ['build/agentBundle/main.ts']],
        ['import layers', 'depcruise', ['--config', '.dependency-cruiser.mjs', ...layered]],
      ];

let passed = 0;
let failed = 0;
let skipped = 0;
const failures: string[] = [];
for (const check of checks) {
  if (run(...check)) passed++;
  else {
    failed++;
    failures.push(check[0]);
  }
}

mkdirSync(join(root, '.cache'), { recursive: true });
rmSync(report, { force: true });
const wellRun = run('tests', 'vitest', [
  'run',
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${report}`,
  ...projects.map((project) => `--project=${project}`),
  ...vitestArguments,
]);
try {
  const counts: VitestReport = JSON.parse(readFileSync(report, 'utf8'));
  passed += counts.numPassedTests;
  skipped += counts.numPendingTests;
  // A file that fails before its first test, or an unhandled rejection, counts as a failure too.
  failed += counts.numFailedTests || (wellRun ? 0 : Math.max(1, counts.numFailedTestSuites));
  failures.push(...failuresOf(counts));
} catch {
  failed += 1;
  failures.push('vitest left no report');
}

if (skipped > 0) console.log(`\n${skipped} skipped, where this machine or server lacks what they need`);
if (failures.length > 0) console.log(['\nFailed:', ...failures].join('\n  '));
console.log(`\n${passed} passed, ${failed} failed`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
