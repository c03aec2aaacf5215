import { randomUUID } from 'node:crypto';
import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isOsseaError } from '../contract/index.ts';
import { sampleReport } from './report.testing.ts';
import { publicPem, reportKey } from './reportKey.ts';
import { keyFingerprint, signReport, verifyReport } from './signedReport.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ossea-report-'));
});
afterAll(() => rm(folder, { recursive: true }));

const newKey = () => reportKey(join(folder, randomUUID(), 'report.key'));

describe('the key', () => {
  test('is made once, for the agent alone, also where several ask at the same time', async () => {
    const path = join(folder, 'once', 'report.key');
    const keys = await Promise.all(Array.from({ length: 20 }, () => reportKey(path)));
    expect(new Set(keys.map(publicPem)).size).toBe(1);
    expect(publicPem(await reportKey(path))).toBe(publicPem(keys[0]!));
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  test('that was damaged is told, and never replaced', async () => {
    const path = join(folder, 'damaged.key');
    await writeFile(path, 'not a key');
    await chmod(path, 0o600);
    await expect(reportKey(path)).rejects.toMatchObject({ code: 'config.invalid', value: path });
  });
});

describe('a signed report', () => {
  test('is proven, and says whether the reader knew the key', async () => {
    const key = await newKey();
    const report = sampleReport();
    const text = JSON.stringify(signReport(report, key));
    const fingerprint = keyFingerprint(publicPem(key));
    expect(verifyReport(text)).toEqual({ report, fingerprint, keyTrusted: false });
    expect(verifyReport(text, fingerprint).keyTrusted).toBe(true);
    const other = keyFingerprint(publicPem(await newKey()));
    expect(() => verifyReport(text, other)).toThrow(expect.objectContaining({ code: 'report.invalid' }));
  });

  test('is not proven any more when a byte of content, key or signature is another', async () => {
    const signed = signReport(sampleReport(), await newKey());
    fc.assert(
      fc.property(
        fc.constantFrom('content' as const, 'publicKey' as const, 'signature' as const),
        fc.nat(),
        fc.integer({ min: 1, max: 127 }),
        (member, position, difference) => {
          const bytes = Buffer.from(signed[member]);
          const at = position % bytes.length;
          bytes[at] = (bytes[at]! ^ difference) & 0x7f;
          const changed = { ...signed, [member]: bytes.toString('latin1') };
          fc.pre(meansSomethingElse(member, changed[member], signed[member]));
          const error = catchError(() => verifyReport(JSON.stringify(changed)));
          expect(isOsseaError(error, 'report.invalid')).toBe(true);
        },
      ),
    );
  });

  test('of another key for the same content is not that of the agent', async () => {
    const mine = await newKey();
    const forged = signReport({ ...sampleReport(), downtimeSeconds: 1 }, await newKey());
    const text = JSON.stringify(forged);
    expect(verifyReport(text).keyTrusted).toBe(false);
    expect(() => verifyReport(text, keyFingerprint(publicPem(mine)))).toThrow(/was signed by the key/);
  });
});

/** Base64 and PEM are read leniently: line ends, what stands behind the end, and spare bits say nothing. */
function meansSomethingElse(
  member: 'content' | 'publicKey' | 'signature',
  changed: string,
  original: string,
): boolean {
  switch (member) {
    case 'content':
      return changed !== original;
    case 'signature':
      return !Buffer.from(changed, 'base64').equals(Buffer.from(original, 'base64'));
    case 'publicKey':
      try {
        return keyFingerprint(changed) !== keyFingerprint(original);
      } catch {
        return true;
      }
  }
}

function catchError(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}
