import { buffer } from 'node:stream/consumers';
import PDFDocument from 'pdfkit';
import prettyBytes from 'pretty-bytes';
import { type FailoverReport, isRouteName, momentText, routes } from '../contract/index.ts';

export interface PdfExtras {
  /** SHA-256 of the signing key, hex. */
  readonly fingerprint: string;
  /** Base64. */
  readonly signature: string;
  /** The console's picture, PNG. */
  readonly screenshot?: Buffer | undefined;
}

const margin = 50;
const labelWidth = 150;
const grey = '#555555';

/**
 * The report as a document to file: A4, PDF. What proves it is the signed JSON; the document repeats key and signature so that both can be
 * found again.
 */
export async function reportPdf(report: FailoverReport, extras: PdfExtras): Promise<Buffer> {
  const document = new PDFDocument({
    size: 'A4',
    margin,
    bufferPages: true,
    info: { Title: titleOf(report), Creator: 'OSSEA Migrate' },
  });
  const content = buffer(document);
  const page = new ReportPage(document);
  page.title(titleOf(report), summaryOf(report));
  page.section('What was moved', identityRows(report));
  page.section('Timings', timingRows(report));
  for (const disk of report.disks) page.section(disk.label, diskRows(disk));
  if (report.proof) page.section('Boot proof', proofRows(report.proof, report.screenshotDigest));
  if (extras.screenshot) page.picture(extras.screenshot);
  page.section(
    'Steps',
    report.steps.map(({ title, state, startedAt, endedAt, message }) => [
      title,
      [stepTime(state, startedAt, endedAt), message].filter(Boolean).join('. '),
    ]),
  );
  page.section(
    'Who did it',
    report.people.map(({ at, actor, action }) => [momentText(at), `${actor}: ${deedOf(action)}`]),
  );
  page.section('Signature', [
    ['Ed25519 key (SHA-256)', extras.fingerprint],
    ['Signature', extras.signature],
    ['To prove it', `ossea-agent report verify <the report's JSON> --fingerprint ${extras.fingerprint}`],
  ]);
  page.numberPages();
  document.end();
  return content;
}

type Row = readonly [label: string, value: string | undefined];

/** A document that is written from top to bottom. */
class ReportPage {
  readonly #document: PDFKit.PDFDocument;

  constructor(document: PDFKit.PDFDocument) {
    this.#document = document;
  }

  title(title: string, summary: string): void {
    this.#document.font('Helvetica-Bold').fontSize(20).text(printable(title));
    this.#document.moveDown(0.3).font('Helvetica').fontSize(11).fillColor(grey).text(printable(summary));
    this.#document.fillColor('black');
  }

  section(title: string, rows: readonly Row[]): void {
    const told = rows.filter(([, value]) => value !== undefined && value !== '');
    if (told.length === 0) return;
    const document = this.#document;
    this.#room(60);
    document.moveDown(1).font('Helvetica-Bold').fontSize(13).text(printable(title), margin);
    document.moveDown(0.3).fontSize(9);
    for (const [label, value] of told) this.#row(label, value ?? '');
  }

  picture(png: Buffer): void {
    const width = 320;
    this.#room(220);
    this.#document.moveDown(0.5).image(png, { fit: [width, 200] });
  }

  numberPages(): void {
    const { start, count } = this.#document.bufferedPageRange();
    for (let index = 0; index < count; index++) {
      this.#document.switchToPage(start + index);
      this.#document.page.margins.bottom = 0;
      this.#document
        .font('Helvetica')
        .fontSize(8)
        .fillColor(grey)
        .text(`${index + 1} / ${count}`, margin, this.#document.page.height - 30, {
          align: 'right',
          width: this.#document.page.width - 2 * margin,
        });
    }
  }

  #row(label: string, value: string): void {
    const document = this.#document;
    const width = document.page.width - 2 * margin - labelWidth;
    const text = printable(value);
    document.font('Helvetica');
    this.#room(document.heightOfString(text, { width }) + 4);
    const { y } = document;
    document.fillColor(grey).text(printable(label), margin, y, { width: labelWidth - 10 });
    const after = document.y;
    document.fillColor('black').text(text, margin + labelWidth, y, { width });
    document.y = Math.max(after, document.y) + 3;
    document.x = margin;
  }

  /** Begins another page where so much does not fit any more. */
  #room(height: number): void {
    const { page, y } = this.#document;
    if (y + height > page.height - margin) this.#document.addPage();
  }
}

function titleOf({ kind, source }: FailoverReport): string {
  return `${kind === 'live' ? 'Migration' : 'Test failover'} of ${source.vm}`;
}

function summaryOf({ kind, outcome, disks, downtimeSeconds, madeAt }: FailoverReport): string {
  const verified = disks.filter((disk) => disk.verified).length;
  const downtime =
    kind === 'live' && downtimeSeconds !== undefined ? `, ${downtimeSeconds.toFixed(1)} s of downtime` : '';
  const words = outcome.charAt(0).toUpperCase() + outcome.slice(1);
  return `${words}; ${verified} of ${disks.length} disks verified${downtime}. Reported ${momentText(madeAt)}.`;
}

function identityRows({ source, target, agent, failoverId }: FailoverReport): Row[] {
  return [
    ['Source VM', `${source.vm} (${source.instanceUuid})`],
    ['vCenter', [source.vcenter, source.vcenterInstanceUuid].filter(Boolean).join(', ')],
    ['Target', target.cloud],
    ['Target VM', target.vm && `${target.vm.name} (${target.vm.id})`],
    ['Made by', target.vm && `${target.vm.method}: ${target.vm.methodReason}`],
    ...(target.vm?.nics ?? []).map(
      (nic): Row => [
        `Adapter ${nic.sourceKey}`,
        [nic.networkName ?? nic.networkId, nic.mac, nic.address].filter(Boolean).join(', '),
      ],
    ),
    ['Appliance', `${agent.host}, OSSEA Migrate ${agent.version}`],
    ['Failover', failoverId],
  ];
}

function timingRows({ point, loss, downtimeSeconds }: FailoverReport): Row[] {
  return [
    ['Point in time', point && `${momentText(point.at)}, ${point.consistency}`],
    ['Lost writes of the source', loss && (loss.seconds === 0 ? 'none' : lossText(loss))],
    ['Downtime', downtimeSeconds === undefined ? undefined : `${downtimeSeconds.toFixed(1)} s`],
  ];
}

function lossText({ seconds, bytes }: NonNullable<FailoverReport['loss']>): string {
  return `${seconds.toFixed(0)} s${bytes === undefined ? '' : `, about ${sizeOf(bytes)}`}`;
}

function diskRows(disk: FailoverReport['disks'][number]): Row[] {
  const { healedChunks } = disk;
  const healed =
    healedChunks > 0 ? `, ${healedChunks} ${healedChunks === 1 ? 'chunk' : 'chunks'} healed` : '';
  return [
    ['Identity', [`key ${disk.key}`, disk.backingUuid].filter(Boolean).join(', ')],
    ['Capacity', sizeOf(disk.capacityBytes)],
    ['Volume', disk.volumeId],
    ['Digest of the source', disk.sourceDigest],
    ['Digest of the target', disk.targetDigest],
    ['Verified', `${disk.verified ? 'yes' : 'no'}${healed}`],
  ];
}

function proofRows(proof: NonNullable<FailoverReport['proof']>, digest: string | undefined): Row[] {
  return [
    ['Verdict', `${proof.passed ? 'passed' : 'not passed'}, ${proof.powerState}, ${momentText(proof.at)}`],
    ...(proof.via === undefined ? [] : [['Checked', proof.via] satisfies Row]),
    ...proof.checks.map(
      ({ check, outcome, detail, seconds }): Row => [
        check.kind === 'tcp' ? `tcp ${check.port}` : check.kind,
        `${outcome} after ${seconds.toFixed(1)} s: ${detail}`,
      ],
    ),
    ['Console picture', proof.screenshot ? `SHA-256 ${digest ?? ''}` : proof.screenshotReason],
  ];
}

function stepTime(state: string, startedAt: string | undefined, endedAt: string | undefined): string {
  if (startedAt === undefined) return state;
  if (endedAt === undefined) return `${state} since ${momentText(startedAt)}`;
  const seconds = (Date.parse(endedAt) - Date.parse(startedAt)) / 1000;
  return `${state}, ${momentText(startedAt)}, ${seconds.toFixed(1)} s`;
}

/** `10 GiB (10 737 418 240 bytes)`: what people read, and what can be compared. */
function sizeOf(bytes: number): string {
  const exact = `${bytes.toLocaleString('en').replaceAll(',', ' ')} bytes`;
  return bytes < 1024
    ? exact
    : `${prettyBytes(bytes, { binary: true, maximumFractionDigits: 1 })} (${exact})`;
}

/** What the API says that an operation does. */
function deedOf(action: string): string {
  return isRouteName(action) ? routes[action].summary : action;
}

/** The standard fonts of PDF hold Windows-1252; what they do not hold would print as something else. */
function printable(text: string): string {
  return text.replaceAll(/[^\t\n\u0020-\u007e\u00a0-\u00ff–—‘’“”•…€]/gu, '?');
}
