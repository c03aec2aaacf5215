import {
  BootCheck,
  CloudId,
  type Conversion,
  type PlanFailover,
  StartLiveFailover,
  StartTestFailover,
  type Workload,
} from '../../../appliance-agent/src/contract/index.ts';

/** The choices of a cutover as a form holds them; numbers are texts until they are read. */
export interface Choices {
  readonly kind: 'test' | 'live';
  readonly conversion: Conversion['kind'];
  readonly hardware: Conversion['hardware'];
  /** One check a line: `ping`, `tcp 22`, `tcp 10.1.0.5:443`. */
  readonly checks: string;
  readonly bootPatience: string;
  /** Test: */
  readonly point: StartTestFailover['point'];
  readonly networkId: string;
  readonly createNetwork: boolean;
  readonly confirmNetwork: string;
  readonly lease: string;
  readonly reach: StartTestFailover['reach'];
  /** Live: */
  readonly mode: StartLiveFailover['mode'];
  readonly when: 'now' | 'at' | 'window';
  /** Local date and time, as an input of the kind `datetime-local` holds them. */
  readonly startAt: string;
  readonly startBefore: string;
  readonly shutdownTimeout: string;
  readonly shutdownPolicy: StartLiveFailover['shutdownPolicy'];
  readonly downtimeBudget: string;
  readonly maxRounds: string;
  readonly verify: StartLiveFailover['verify'];
  readonly fenceSource: boolean;
  readonly commitMinutes: string;
  readonly onCommitTimeout: StartLiveFailover['onCommitTimeout'];
  readonly acceptForecast: boolean;
  readonly acceptTorn: boolean;
}

/** What is chosen before anybody chooses: the contract's defaults and the workload's settings. */
export function initialChoices(kind: Choices['kind'], { settings }: Pick<Workload, 'settings'>): Choices {
  const live = StartLiveFailover.parse({});
  const test = StartTestFailover.parse({});
  return {
    kind,
    conversion: settings.conversion.kind,
    hardware: settings.conversion.hardware,
    checks: '',
    bootPatience: String(live.bootPatienceSeconds),
    point: test.point,
    networkId: '',
    createNetwork: false,
    confirmNetwork: '',
    lease: '',
    reach: test.reach,
    mode: live.mode,
    when: 'now',
    startAt: '',
    startBefore: '',
    shutdownTimeout: String(live.shutdownTimeoutSeconds),
    shutdownPolicy: live.shutdownPolicy,
    downtimeBudget: String(live.downtimeBudgetSeconds),
    maxRounds: String(live.maxRounds),
    verify: live.verify,
    fenceSource: live.fenceSource,
    commitMinutes: String(live.commitMinutes),
    onCommitTimeout: live.onCommitTimeout,
    acceptForecast: live.acceptForecast,
    acceptTorn: live.acceptTorn,
  };
}

export type Problems = Partial<Record<keyof Choices, string>>;

/**
 * What the choices ask of the agent, or what is wrong with them, by field.
 * @param now milliseconds; what begins or ends has to do so later
 */
export function readChoices(
  choices: Choices,
  settings: Workload['settings'],
  now = Date.now(),
): { readonly request?: PlanFailover; readonly problems: Problems } {
  const problems: { -readonly [K in keyof Choices]?: string } = {};
  const number = (field: keyof Choices, least: number, most: number): number => {
    const value = Number(choices[field]);
    const isRight = /^\d+$/.test(String(choices[field]).trim()) && value >= least && value <= most;
    if (!isRight) problems[field] = `A whole number from ${least} to ${most}`;
    return isRight ? value : least;
  };
  const moment = (field: 'startAt' | 'startBefore', needed: boolean): string | undefined => {
    if (choices[field] === '' && !needed) return undefined;
    const at = new Date(choices[field]);
    if (Number.isNaN(at.getTime())) problems[field] = 'A date and a time';
    else if (at.getTime() <= now) problems[field] = 'Later than now';
    else return at.toISOString();
    return undefined;
  };
  const checks = readChecks(choices.checks);
  if (typeof checks === 'string') problems.checks = checks;
  const common = {
    conversion: {
      kind: choices.conversion,
      hardware: choices.hardware,
      addresses: settings.conversion.addresses,
    },
    checks: typeof checks === 'string' ? [] : checks,
    bootPatienceSeconds: number('bootPatience', 1, 7200),
  };
  const request: PlanFailover =
    choices.kind === 'test'
      ? {
          kind: 'test',
          ...StartTestFailover.parse({
            ...common,
            point: choices.point,
            ...(!choices.createNetwork &&
              choices.networkId !== '' && { networkId: CloudId.parse(choices.networkId) }),
            createNetwork: choices.createNetwork,
            reach: choices.reach,
            ...(choices.confirmNetwork.trim() !== '' && { confirmNetwork: choices.confirmNetwork.trim() }),
            ...(choices.lease !== '' && { leaseMinutes: number('lease', 5, 43_200) }),
          }),
        }
      : {
          kind: 'live',
          ...StartLiveFailover.parse({
            ...common,
            mode: choices.mode,
            ...(choices.when !== 'now' && defined('startAt', moment('startAt', choices.when === 'at'))),
            ...(choices.when === 'window' && defined('startBefore', moment('startBefore', true))),
            shutdownTimeoutSeconds: number('shutdownTimeout', 5, 86_400),
            shutdownPolicy: choices.shutdownPolicy,
            downtimeBudgetSeconds: number('downtimeBudget', 1, 86_400),
            maxRounds: number('maxRounds', 0, 20),
            verify: choices.verify,
            fenceSource: choices.fenceSource,
            commitMinutes: number('commitMinutes', 1, 20_160),
            onCommitTimeout: choices.onCommitTimeout,
            acceptForecast: choices.acceptForecast,
            acceptTorn: choices.mode === 'unplanned' && choices.acceptTorn,
          }),
        };
  const window = request.kind === 'live' ? request : undefined;
  if (
    window?.startAt !== undefined &&
    window.startBefore !== undefined &&
    window.startAt >= window.startBefore
  )
    problems.startBefore = 'After the beginning';
  return Object.keys(problems).length > 0 ? { problems } : { request, problems };
}

function defined<K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } {
  // One member, or none.
  return (value === undefined ? {} : { [key]: value }) as { readonly [P in K]?: V };
}

/** The checks of a text, one a line; a sentence where one cannot be read. */
function readChecks(text: string): BootCheck[] | string {
  const checks: BootCheck[] = [];
  for (const line of text.split('\n').map((each) => each.trim())) {
    if (line === '') continue;
    const check = readCheck(line);
    if (!check) return `“${line}” is no check: write ping, tcp 22 or tcp 10.1.0.5:443`;
    checks.push(check);
  }
  return checks;
}

function readCheck(line: string): BootCheck | undefined {
  const [kind, place, ...more] = line.split(/\s+/);
  if (more.length > 0) return undefined;
  if (kind === 'ping') return BootCheck.safeParse({ kind, ...(place !== undefined && { host: place }) }).data;
  const [, host, port] = /^(?:(.+):)?(\d+)$/.exec(place ?? '') ?? [];
  if (kind !== 'tcp' || port === undefined) return undefined;
  return BootCheck.safeParse({ kind, port: Number(port), ...(host !== undefined && { host }) }).data;
}
