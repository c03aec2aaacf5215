import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sampleReport } from './report.testing.ts';
import { reportPdf } from './reportPdf.ts';

/** A PNG of one grey pixel. */
const pixel = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==',
  'base64',
);

/** What a reader of PDFs that is not ours finds in one. */
async function textOf(pdf: Buffer): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'ossea-pdf-'));
  try {
    const path = join(folder, 'report.pdf');
    await writeFile(path, pdf);
    return execFileSync('pdftotext', ['-layout', path, '-'], { encoding: 'utf8' });
  } finally {
    await rm(folder, { recursive: true });
  }
}

test('the document tells what was moved, its evidence, and how it is proven', async () => {
  const fingerprint = 'ef'.repeat(32);
  const pdf = await reportPdf(sampleReport(), { fingerprint, signature: 'c2lnbmF0dXJl', screenshot: pixel });
  const text = await textOf(pdf);
  for (const told of [
    'Migration of db-01 “primär”',
    '3 of 3 disks verified, 87.4 s of downtime',
    'ab'.repeat(32),
    '6000C29a-0000-0000-0000-000000000002',
    'passed after 21.0 s: 192.0.2.20 answers on port 22.',
    'anna: Starts or schedules the cutover to the target',
    fingerprint,
  ]) {
    expect(text).toContain(told);
  }
  expect(text).toMatch(/1\s*\/\s*\d/);
});
