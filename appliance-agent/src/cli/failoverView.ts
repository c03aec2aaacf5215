import type {
  BootCheck,
  BootProof,
  Concern,
  Failover,
  FailoverPlan,
  FailoverRemains,
} from '../contract/index.ts';
import { fields, table } from './output.ts';
import { showBytes, showDuration } from './quantities.ts';

/** Failovers as a table. */
export function failoverTable(failovers: readonly Failover[]): string {
  return table(
    ['Id', 'Kind', 'Workload', 'State', 'VM', 'Point', 'Started', 'What'],
    failovers.map(({ id, kind, workloadName, state, vm, point, createdAt, problem, question }) => [
      id.slice(0, 8),
      kind,
      workloadName,
      state,
      vm?.name ?? '',
      point?.at ?? '',
      createdAt,
      question?.text ?? problem?.detail ?? '',
    ]),
    'There are no failovers yet; rehearse one with: ossea-agent failover test <workload>',
  );
}

/** All of a failover, for `failover show`. */
export function describeFailover(failover: Failover): string {
  const { id, kind, workloadName, state, point, vm, problem, question, tested, proof } = failover;
  const head = fields([
    ['Failover', id],
    ['Kind', kind],
    ['Workload', workloadName],
    ['State', state],
    ...(state === 'scheduled' || state === 'expired' ? windowFields(failover) : []),
    ['Point', point && `${point.at}, ${point.consistency}`],
    ['VM', vm && `${vm.name} (${vm.id})`],
    ['Made by', vm && `${vm.method}: ${vm.methodReason}`],
    ['Downtime', downtimeOf(failover)],
    ['Loss', lossText(failover.loss)],
    ['Commit by', failover.commitBy],
    ['Ends by itself', failover.leaseEndsAt],
    ['Question', question && `${question.text} (${question.answers.join(', ')})`],
    ['Error', problem && `${problem.detail} (${problem.code})`],
    ['Remedy', problem?.remedy],
    [
      'Found good',
      tested && `by ${tested.by}, ${tested.at}${tested.note === undefined ? '' : `: ${tested.note}`}`,
    ],
    ['Started by', failover.createdBy],
    ['Started', failover.createdAt],
    ['Ended', failover.endedAt],
    ['Job', failover.jobId],
  ]);
  const parts = [head];
  if (vm && vm.nics.length > 0) {
    parts.push(
      table(
        ['Adapter', 'Network', 'MAC', 'Address'],
        vm.nics.map(({ sourceKey, networkName, networkId, mac, address }) => [
          String(sourceKey),
          networkName ?? networkId,
          mac ?? '',
          address ?? '',
        ]),
        '',
      ),
    );
  }
  if (proof) parts.push(describeProof(proof));
  return parts.join('\n\n');
}

/** When a cutover that has not begun may begin. */
function windowFields({ request }: Failover): [string, string | undefined][] {
  if (request.kind !== 'live') return [];
  return [
    ['Begins', request.startAt ?? 'as soon as it can'],
    ['Not after', request.startBefore],
  ];
}

function lossText(loss: Failover['loss']): string | undefined {
  if (!loss) return undefined;
  if (loss.seconds === 0) return 'none';
  const bytes = loss.bytes === undefined ? '' : `, about ${showBytes(loss.bytes)} as far as its changes tell`;
  return `what the source wrote in ${showDuration(loss.seconds)}${bytes}`;
}

function downtimeOf({ downtime }: Failover): string | undefined {
  if (!downtime) return undefined;
  const { startedAt, endedAt } = downtime;
  const seconds = ((endedAt === undefined ? Date.now() : Date.parse(endedAt)) - Date.parse(startedAt)) / 1000;
  return `${showDuration(seconds)}${endedAt === undefined ? ', and it goes on' : ''}`;
}

function describeProof({ passed, powerState, checks, via, screenshot, screenshotReason }: BootProof): string {
  const head = fields([
    ['Boot proof', passed ? 'passed' : 'not passed'],
    ['Power state', powerState],
    ['Checked', via],
    [
      'Picture',
      screenshot ? 'kept; save it with: ossea-agent failover screenshot' : (screenshotReason ?? 'none'),
    ],
  ]);
  if (checks.length === 0) return head;
  const rows = checks.map(({ check, outcome, seconds, detail }) => [
    nameOfCheck(check),
    outcome,
    showDuration(seconds),
    detail,
  ]);
  return `${head}\n\n${table(['Check', 'Outcome', 'After', 'What was seen'], rows, '')}`;
}

function nameOfCheck(check: BootCheck): string {
  return check.kind === 'tcp' ? `tcp ${check.host ?? ''}:${check.port}` : `ping ${check.host ?? ''}`.trim();
}

/** What a failover would do, for `--dry-run`. */
export function describePlan(plan: FailoverPlan): string {
  const { ready, point, loss, method, downtimeSeconds, extraBytes, concerns, steps } = plan;
  const head = fields([
    ['Ready', ready ? 'yes' : 'no'],
    ['Point', point && `${point.at}, ${point.consistency}`],
    ['Loss', lossText(loss)],
    ['Downtime', downtimeSeconds === undefined ? undefined : showDuration(downtimeSeconds)],
    ['VM made by', method && `${method.kind}: ${method.reason}`],
    ['Space meanwhile', extraBytes === undefined ? undefined : showBytes(extraBytes)],
  ]);
  const list = table(
    ['Step', 'What'],
    steps.map(({ title, detail }) => [title, detail ?? '']),
    '',
  );
  return [head, concernTable(concerns), list].join('\n\n');
}

function concernTable(concerns: readonly Concern[]): string {
  return table(
    ['Gravity', 'Of', 'What', 'Remedy'],
    concerns.map(({ severity, subject, summary, remedy }) => [severity, subject, summary, remedy]),
    'Nothing speaks against it.',
  );
}

/** What exists of a failover and what becomes of it. */
export function remainsTable(plan: readonly FailoverRemains[]): string {
  return table(
    ['Kind', 'Name', 'Id', 'What is done'],
    plan.map(({ kind, name, id, action }) => [kind, name, id, action]),
    'Nothing of it is left.',
  );
}
