import { readFile, writeFile } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import { type Failover, type FailoverReport, OsseaError } from '../../contract/index.ts';
import { verifyReport } from '../../report/signedReport.ts';
import type { AgentClient } from '../agentClient.ts';
import { fields, table } from '../output.ts';
import { showBytes, showDuration } from '../quantities.ts';
import { pickFailover } from '../resolve.ts';
import { contextOf, outputOf, type Shell } from '../shell.ts';

/** `report …`. */
export function reportCommands(program: Command, shell: Shell): void {
  const report = program.command('report').description('signed evidence of failovers');

  report
    .command('show <failover>')
    .description("what was moved, timings and digests, by a failover's id or its workload's name")
    .action(async (text: string, _options: unknown, command: Command) => {
      const { client, output } = contextOf(shell, command);
      const { signed, verified } = await readReport(client, await pickFailover(client, text));
      output.result({ ...verified.report, signature: signed.signature }, () => describe(verified.report));
    });

  report
    .command('save <failover> <file>')
    .description('write the signed report into a file: JSON that can be proven, or a PDF to file')
    .addOption(new Option('--format <format>', 'default: by the ending of the file').choices(['json', 'pdf']))
    .action(async (text: string, file: string, options: { format?: string }, command: Command) => {
      const { client, output } = contextOf(shell, command);
      const failover = await pickFailover(client, text);
      const format = options.format ?? (file.toLowerCase().endsWith('.pdf') ? 'pdf' : 'json');
      const params = { params: { id: failover.id } };
      const content =
        format === 'pdf'
          ? Buffer.from((await client.call('failoverReportPdf', params)).base64, 'base64')
          : `${JSON.stringify(await client.call('failoverReport', params), undefined, 2)}\n`;
      await save(file, content);
      output.result({ file, format, failoverId: failover.id }, () => `Written to ${file}.`);
    });

  report
    .command('key')
    .description('the key that reports of this agent are proven by')
    .action(async (_options: unknown, command: Command) => {
      const { client, output } = contextOf(shell, command);
      const key = await client.call('reportKey', {});
      output.result(key, () => `SHA-256 ${key.fingerprint}\n\n${key.publicKey.trim()}`);
    });

  report
    .command('verify <file>')
    .description('prove that a report is as the agent signed it; needs no agent')
    .option('--fingerprint <sha256>', 'of the key that you trust: ossea-agent report key')
    .action(async (file: string, options: { fingerprint?: string }, command: Command) => {
      const text = await readFile(file, 'utf8').catch((error: unknown) => {
        throw unusable(file, 'read', error);
      });
      const proven = verifyReport(text, options.fingerprint?.toLowerCase());
      outputOf(shell, command).result(
        {
          verified: true,
          keyTrusted: proven.keyTrusted,
          fingerprint: proven.fingerprint,
          report: proven.report,
        },
        () => {
          const whose = proven.keyTrusted
            ? 'by the key that you trust'
            : `by the key ${proven.fingerprint}; compare it with: ossea-agent report key`;
          return `The report is as it was signed, ${whose}.\n\n${describe(proven.report)}`;
        },
      );
    });
}

async function readReport(client: AgentClient, { id }: Failover) {
  const signed = await client.call('failoverReport', { params: { id } });
  return { signed, verified: verifyReport(JSON.stringify(signed)) };
}

async function save(file: string, content: string | Buffer): Promise<void> {
  try {
    await writeFile(file, content, { mode: 0o600 });
  } catch (error) {
    throw unusable(file, 'written', error);
  }
}

function unusable(file: string, how: 'read' | 'written', error: unknown): OsseaError {
  const reason = error instanceof Error && 'code' in error ? error.code : error;
  return new OsseaError('request.invalid', `${file} cannot be ${how} (${reason}).`, {
    field: 'file',
    value: file,
    remedy: `Name a file that can be ${how}.`,
  });
}

function describe(report: FailoverReport): string {
  const { source, target, point, loss, downtimeSeconds, proof } = report;
  const summary = fields([
    ['Failover', `${report.kind}, ${report.outcome}`],
    ['Source', `${source.vm} (${source.instanceUuid}) in ${source.vcenter}`],
    ['Target', [target.vm?.name, target.vm?.id, `in ${target.cloud}`].filter(Boolean).join(' ')],
    ['Point', point && `${point.at}, ${point.consistency}`],
    ['Downtime', downtimeSeconds === undefined ? undefined : showDuration(downtimeSeconds)],
    ['Lost', loss && (loss.seconds === 0 ? 'nothing' : showDuration(loss.seconds))],
    ['Boot proof', proof && (proof.passed ? 'passed' : 'not passed')],
  ]);
  const disks = table(
    ['Disk', 'Capacity', 'Verified', 'Digest of the source'],
    report.disks.map((disk) => [
      disk.label,
      showBytes(disk.capacityBytes),
      disk.verified ? 'yes' : 'no',
      disk.sourceDigest,
    ]),
    'No disk was copied for it.',
  );
  return `${summary}\n\n${disks}`;
}
