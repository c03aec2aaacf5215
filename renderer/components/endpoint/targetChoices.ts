import type { CloudDiscovery } from '../../../appliance-agent/src/contract/index.ts';

export type ChoiceName = 'zoneId' | 'serviceOfferingId' | 'diskOfferingId' | 'networkId' | 'templateId';
export type Choices = { readonly [N in ChoiceName]?: string | undefined };

interface Option {
  readonly value: string;
  readonly label: string;
}

/** What is mandatory, in the order in which it is chosen. */
export const mandatory = ['zoneId', 'serviceOfferingId', 'diskOfferingId', 'networkId'] as const;

const gib = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`;

/** What can be chosen in the zone, by names. */
export function optionsOf(
  discovery: CloudDiscovery,
  zoneId: string | undefined,
): Readonly<Record<ChoiceName, readonly Option[]>> {
  const here = ({ zoneIds }: { readonly zoneIds?: readonly string[] | undefined }) =>
    zoneIds === undefined || zoneId === undefined || zoneIds.includes(zoneId);
  return {
    zoneId: discovery.zones.map(({ id, name }) => ({ value: id, label: name })),
    serviceOfferingId: discovery.serviceOfferings
      .filter(here)
      .map(({ id, name, cpuCount, memoryBytes, custom }) => ({
        value: id,
        label: custom ? `${name} (any size)` : `${name} (${cpuCount ?? '?'} CPU, ${gib(memoryBytes ?? 0)})`,
      })),
    // Disks of any size fit only an offering whose size is given per volume.
    diskOfferingId: discovery.diskOfferings
      .filter((offering) => offering.custom && here(offering))
      .map(({ id, name }) => ({ value: id, label: name })),
    networkId: discovery.networks
      .filter((network) => zoneId === undefined || network.zoneId === zoneId)
      .map(({ id, name, cidr }) => ({ value: id, label: cidr === undefined ? name : `${name} (${cidr})` })),
    templateId: [
      ...new Map(
        discovery.templates
          .filter(
            (template) => template.ready && (template.zoneId === undefined || template.zoneId === zoneId),
          )
          .map(({ id, name }) => [id, { value: id, label: name }] as const),
      ).values(),
    ],
  };
}

/** The choices as they are, with what needs no choice made: the only option there is, and the appliance's own zone. */
export function withObvious(discovery: CloudDiscovery, config: Choices): Choices {
  const zoneId =
    config.zoneId ??
    discovery.applianceVm?.zoneId ??
    (discovery.zones.length === 1 ? discovery.zones[0]?.id : undefined);
  const options = optionsOf(discovery, zoneId);
  const chosen: Partial<Record<ChoiceName, string>> = { ...(zoneId !== undefined && { zoneId }) };
  for (const name of ['serviceOfferingId', 'diskOfferingId', 'networkId', 'templateId'] as const) {
    const offered = options[name];
    const kept = offered.find(({ value }) => value === config[name]) ?? undefined;
    const only = name !== 'templateId' && offered.length === 1 ? offered[0] : undefined;
    const value = kept?.value ?? only?.value;
    if (value !== undefined) chosen[name] = value;
  }
  return chosen;
}

/** The mandatory choices that are not made. */
export function missingOf(choices: Choices): readonly ChoiceName[] {
  return mandatory.filter((name) => choices[name] === undefined);
}
