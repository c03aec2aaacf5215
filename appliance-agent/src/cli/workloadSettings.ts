import { type Command, Option } from 'commander';
import {
  type CloudDiscovery,
  Conversion,
  type DeviceKey,
  type GuestAddress,
  guestAddressExample,
  OsseaError,
  parseGuestAddress,
  type Schedule,
  TransportKind,
  type WorkloadChanges,
  WorkloadSettings,
} from '../contract/index.ts';
import { parseDuration, parseRate } from './quantities.ts';
import { pickByName } from './resolve.ts';

export interface SettingOptions {
  readonly targetName?: string;
  readonly bandwidth?: string;
  readonly transport?: string;
  readonly quiesce?: string;
  readonly verify?: string;
  readonly schedule?: string;
  readonly rpo?: string;
  readonly conversion?: string;
  readonly hardware?: string;
  readonly guestAddress?: readonly string[];
}

/** The settings that need the cloud's names, and so can only be changed, not given at the start. */
export interface MappingOptions {
  readonly nic?: readonly string[];
  readonly serviceOffering?: string;
}

export function withSettings(command: Command): Command {
  const { quiesce, verify } = WorkloadSettings.shape;
  return command
    .option('--target-name <name>', 'name of the VM on the target; none: derived from the source’s')
    .option('--bandwidth <rate>', 'limit over all disks, such as 100MiB, or none')
    .addOption(
      new Option('--transport <kind>', 'read disks this way only; none: the best that works').choices([
        ...TransportKind.options,
        'none',
      ]),
    )
    .addOption(
      new Option('--quiesce <when>', 'quiesce the guest for snapshots').choices(quiesce.unwrap().options),
    )
    .addOption(new Option('--verify <mode>', 'what proves the copy').choices(verify.unwrap().options))
    .option(
      '--schedule <when>',
      'replicate by itself: "every 15m", "continuous", "cron 0 2 * * * Europe/Vienna", or "manual"',
    )
    .option('--rpo <duration>', 'how old the replica may be, such as 1h, or none')
    .addOption(
      new Option('--conversion <kind>', 'how the guest is made ready for KVM').choices(
        Conversion.shape.kind.options,
      ),
    )
    .addOption(
      new Option('--hardware <kind>', 'disks and adapters that the target VM gets').choices(
        Conversion.shape.hardware.unwrap().options,
      ),
    )
    .option(
      '--guest-address <addresses...>',
      `static addresses that are written into the guest, per adapter key: "4000=${guestAddressExample}"; 4000=none: it keeps what it has`,
    );
}

export function withMapping(command: Command): Command {
  return command
    .option('--service-offering <offering>', 'of the VM on the target, by name or id; none: the target’s')
    .option(
      '--nic <mapping...>',
      'per adapter key: 4000=<network>[,test=<network>][,new-mac][,address=<ip>], networks by name or id; 4000=none: the target’s',
    );
}

/** The changes that options name. @throws OsseaError `request.invalid` for a value that cannot be read */
export function settingsOf(
  options: SettingOptions,
  before?: Pick<WorkloadSettings, 'conversion'>,
): WorkloadChanges {
  const { quiesce, verify } = WorkloadSettings.shape;
  const { targetName, bandwidth, transport, rpo, schedule } = options;
  const conversion = conversionOf(options, before?.conversion);
  return {
    ...(targetName !== undefined && { targetName: targetName === 'none' ? null : targetName }),
    ...(bandwidth !== undefined && { bandwidthLimit: parseRate('--bandwidth', bandwidth) ?? null }),
    ...(transport !== undefined && {
      transport: transport === 'none' ? null : TransportKind.parse(transport),
    }),
    ...(options.quiesce !== undefined && { quiesce: quiesce.parse(options.quiesce) }),
    ...(options.verify !== undefined && { verify: verify.parse(options.verify) }),
    ...(schedule !== undefined && { schedule: parseSchedule(schedule) }),
    ...(rpo !== undefined && { rpoGoalSeconds: rpo === 'none' ? null : parseDuration('--rpo', rpo) }),
    ...(conversion && { conversion }),
  };
}

/** The mapping that options name, with the cloud's ids. @throws OsseaError `request.invalid`, `request.not-found` */
export function mappingOf(
  { nic, serviceOffering }: MappingOptions,
  cloud: CloudDiscovery,
  before: WorkloadSettings['nics'],
): WorkloadChanges {
  const keyOnly = /^(\d+)=none$/;
  const takenBack = (nic ?? []).flatMap((text) => keyOnly.exec(text)?.[1] ?? []).map(Number);
  const changed = (nic ?? []).filter((text) => !keyOnly.test(text)).map((text) => parseNic(text, cloud));
  const stays = ({ key }: { readonly key: number }) =>
    !takenBack.includes(key) && !changed.some((each) => each.key === key);
  return {
    ...(serviceOffering !== undefined && {
      serviceOfferingId:
        serviceOffering === 'none'
          ? null
          : pickByName(cloud.serviceOfferings, serviceOffering, 'service offering').id,
    }),
    ...(nic && { nics: [...before.filter(stays), ...changed] }),
  };
}

function conversionOf(
  { conversion, hardware, guestAddress }: SettingOptions,
  before: Conversion | undefined,
): Conversion | undefined {
  if (conversion === undefined && hardware === undefined && guestAddress === undefined) return undefined;
  const named = (guestAddress ?? []).map(parseAddresses);
  const kept = (before?.addresses ?? []).filter(({ key }) => !named.some((each) => each.key === key));
  return Conversion.parse({
    kind: 'virt-v2v',
    ...before,
    ...(conversion !== undefined && { kind: conversion }),
    ...(hardware !== undefined && { hardware }),
    addresses: [...kept, ...named.flatMap(({ given }) => given ?? [])],
  });
}

/** `given` is undefined where the guest is to keep what it has. */
function parseAddresses(text: string): { readonly key: number; readonly given: GuestAddress | undefined } {
  const [, key, line = ''] = /^(\d+)=(.+)$/.exec(text) ?? [];
  const given = key === undefined ? undefined : parseGuestAddress(Number(key), line);
  if (key === undefined || (given === undefined && line.trim() !== 'none')) {
    throw new OsseaError('request.invalid', `--guest-address is "${text}", which gives no addresses.`, {
      field: '--guest-address',
      value: text,
      remedy: `Give such as "4000=${guestAddressExample}", or 4000=none; the key is shown by: ossea-agent inventory --json`,
    });
  }
  return { key: Number(key), given };
}

function parseSchedule(text: string): Schedule {
  if (text === 'manual' || text === 'continuous') return { kind: text };
  const [, every] = /^every\s+(.+)$/.exec(text) ?? [];
  if (every !== undefined) {
    return { kind: 'interval', minutes: Math.max(1, Math.round(parseDuration('--schedule', every) / 60)) };
  }
  const [, expression, timeZone] = /^cron\s+((?:\S+\s+){4}\S+)(?:\s+(\S+))?$/.exec(text) ?? [];
  if (expression !== undefined)
    return { kind: 'cron', expression, ...(timeZone !== undefined && { timeZone }) };
  throw new OsseaError('request.invalid', `--schedule is "${text}", which is not a schedule.`, {
    field: '--schedule',
    value: text,
    remedy:
      'Give "every 15m", "continuous", "manual", or "cron" with five fields and a time zone if not UTC.',
  });
}

function parseNic(text: string, cloud: CloudDiscovery): WorkloadSettings['nics'][number] {
  const [, key, rest] = /^(\d+)=(.+)$/.exec(text) ?? [];
  const [network, ...more] = rest?.split(',') ?? [];
  const known = more.every((part) => part === 'new-mac' || /^(test|address)=./.test(part));
  if (key === undefined || network === undefined || !known) {
    throw new OsseaError('request.invalid', `--nic is "${text}", which is not a mapping.`, {
      field: '--nic',
      value: text,
      remedy:
        'Give such as 4000=production,test=sandbox,new-mac; the key is shown by: ossea-agent inventory --json',
    });
  }
  const given = (name: string) => more.find((part) => part.startsWith(`${name}=`))?.slice(name.length + 1);
  const idOf = (name: string) => pickByName(cloud.networks, name, 'network').id;
  const [test, address] = [given('test'), given('address')];
  return {
    // Branded by the contract where the body is checked.
    key: Number(key) as DeviceKey,
    networkId: idOf(network),
    ...(test !== undefined && { testNetworkId: idOf(test) }),
    keepMac: !more.includes('new-mac'),
    ...(address !== undefined && { address }),
  };
}
