import {
  CloudId,
  Conversion,
  guestAddressExample,
  guestAddressText,
  parseGuestAddress,
  Schedule,
  TransportKind,
  type Workload,
  type WorkloadChanges,
  WorkloadSettings,
} from '../../../appliance-agent/src/contract/index.ts';

type Nic = Workload['settings']['nics'][number];

/** The settings as a form holds them: texts, empty where the target's default is taken. */
export interface SettingsForm {
  readonly targetName: string;
  readonly serviceOfferingId: string;
  readonly transport: string;
  readonly quiesce: string;
  readonly verify: string;
  /** `manual`, `continuous`, `every 15` (minutes) or `cron <expression>`. */
  readonly schedule: string;
  /** Minutes; empty: nothing was agreed. */
  readonly rpoGoal: string;
  readonly conversion: string;
  readonly hardware: string;
  readonly nics: readonly Nic[];
  /** Disk offering by disk key. */
  readonly disks: Readonly<Record<string, string>>;
  /** Lines with the static addresses that are written into the guest, by adapter key. */
  readonly addresses: Readonly<Record<string, string>>;
}

export function formOf({ settings }: Pick<Workload, 'settings'>): SettingsForm {
  return {
    targetName: settings.targetName ?? '',
    serviceOfferingId: settings.serviceOfferingId ?? '',
    transport: settings.transport ?? '',
    quiesce: settings.quiesce,
    verify: settings.verify,
    schedule: scheduleText(settings.schedule),
    rpoGoal: settings.rpoGoalSeconds === undefined ? '' : String(Math.round(settings.rpoGoalSeconds / 60)),
    conversion: settings.conversion.kind,
    hardware: settings.conversion.hardware,
    nics: settings.nics,
    disks: Object.fromEntries(settings.disks.map(({ key, diskOfferingId }) => [key, diskOfferingId])),
    addresses: Object.fromEntries(
      settings.conversion.addresses.map((given) => [given.key, guestAddressText(given)]),
    ),
  };
}

/** The form with what was changed elsewhere since taken in, where nobody has changed it here. */
export function rebase(form: SettingsForm, before: SettingsForm, now: SettingsForm): SettingsForm {
  const pick = <K extends keyof SettingsForm>(key: K): SettingsForm[K] =>
    same(form[key], before[key]) ? now[key] : form[key];
  return {
    targetName: pick('targetName'),
    serviceOfferingId: pick('serviceOfferingId'),
    transport: pick('transport'),
    quiesce: pick('quiesce'),
    verify: pick('verify'),
    schedule: pick('schedule'),
    rpoGoal: pick('rpoGoal'),
    conversion: pick('conversion'),
    hardware: pick('hardware'),
    nics: pick('nics'),
    disks: pick('disks'),
    addresses: pick('addresses'),
  };
}

const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

const longestName = 63;

/** What is wrong with the form, by field; nothing while it can be saved. */
export function problemsOf({ targetName, schedule, rpoGoal, addresses }: SettingsForm): {
  readonly targetName?: string;
  readonly schedule?: string;
  readonly rpoGoal?: string;
  /** By adapter key. */
  readonly addresses?: Readonly<Record<string, string>>;
} {
  const name = targetName.trim();
  const minutes = Number(rpoGoal);
  const unread = Object.entries(addresses)
    .filter(([key, line]) => line.trim() !== '' && parseGuestAddress(Number(key), line) === undefined)
    .map(([key]) => [key, `Such as ${guestAddressExample}`]);
  return {
    ...(name.length > longestName && {
      targetName: `CloudStack takes ${longestName} characters, this name has ${name.length}`,
    }),
    ...(readSchedule(schedule) === undefined && {
      schedule: 'A number of minutes, or five fields of cron and a time zone if not UTC',
    }),
    ...(rpoGoal.trim() !== '' && (!Number.isInteger(minutes) || minutes < 1) && { rpoGoal: 'Whole minutes' }),
    ...(unread.length > 0 && { addresses: Object.fromEntries(unread) }),
  };
}

/** A schedule as the form holds it. */
export function scheduleText(schedule: Schedule): string {
  if (schedule.kind === 'interval') return `every ${schedule.minutes}`;
  if (schedule.kind === 'cron') return `cron ${schedule.expression} ${schedule.timeZone ?? ''}`.trim();
  return schedule.kind;
}

/** The schedule that a form's text means; undefined where it means none. */
export function readSchedule(text: string): Schedule | undefined {
  if (text === 'manual' || text === 'continuous') return { kind: text };
  const [, minutes] = /^every (\d{1,5})$/.exec(text.trim()) ?? [];
  if (minutes !== undefined) return Schedule.safeParse({ kind: 'interval', minutes: Number(minutes) }).data;
  const [, expression, timeZone] = /^cron ((?:\S+ +){4}\S+)(?: +(\S+))?$/.exec(text.trim()) ?? [];
  if (expression === undefined) return undefined;
  return { kind: 'cron', expression, ...(timeZone !== undefined && { timeZone }) };
}

/** What of the form differs from the workload's settings: the rest is not sent, so that nobody's change is undone. */
export function changesOf(form: SettingsForm, { settings }: Pick<Workload, 'settings'>): WorkloadChanges {
  const before = formOf({ settings });
  const name = form.targetName.trim();
  const { quiesce, verify } = WorkloadSettings.pick({ quiesce: true, verify: true }).parse(form);
  const schedule = readSchedule(form.schedule);
  const conversion = Conversion.parse({
    ...settings.conversion,
    kind: form.conversion,
    hardware: form.hardware,
    ...(!same(form.addresses, before.addresses) && {
      addresses: Object.entries(form.addresses).flatMap(
        ([key, line]) => parseGuestAddress(Number(key), line) ?? [],
      ),
    }),
  });
  const disks = Object.entries(form.disks)
    .filter(([, offering]) => offering !== '')
    .map(([key, offering]) => ({ key: Number(key), diskOfferingId: offering }));
  return {
    ...(name !== before.targetName && { targetName: name === '' ? null : name }),
    ...(form.serviceOfferingId !== before.serviceOfferingId && {
      serviceOfferingId: form.serviceOfferingId === '' ? null : CloudId.parse(form.serviceOfferingId),
    }),
    ...(form.transport !== before.transport && {
      transport: form.transport === '' ? null : TransportKind.parse(form.transport),
    }),
    ...(quiesce !== settings.quiesce && { quiesce }),
    ...(verify !== settings.verify && { verify }),
    ...(schedule && form.schedule !== before.schedule && { schedule }),
    ...(form.rpoGoal !== before.rpoGoal && {
      rpoGoalSeconds: form.rpoGoal.trim() === '' ? null : Number(form.rpoGoal) * 60,
    }),
    ...(!same(conversion, settings.conversion) && { conversion }),
    ...(!same(form.nics, before.nics) && { nics: [...form.nics] }),
    ...(!same(form.disks, before.disks) && {
      disks: WorkloadSettings.shape.disks.parse(disks),
    }),
  };
}

/** A select's options: the target's default, what is offered, and what is chosen although it is not (or not known to be). */
export function choicesWith(
  offered: readonly { readonly id: string; readonly name: string }[],
  chosen: string,
): { readonly value: string; readonly label: string }[] {
  const known = chosen === '' || offered.some(({ id }) => id === chosen);
  return [
    { value: '', label: 'Default of the target' },
    ...offered.map(({ id, name }) => ({ value: id, label: name })),
    ...(known ? [] : [{ value: chosen, label: `${chosen} (not offered now)` }]),
  ];
}
