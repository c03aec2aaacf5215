import { type CloudDiscovery, OsseaError, TargetConfig } from '../contract/index.ts';

/** The choices that a target needs, in the order in which an engineer makes them. */
const choices = [
  { field: 'zoneId', what: 'zone', purpose: 'to create volumes and VMs in' },
  { field: 'serviceOfferingId', what: 'service offering', purpose: 'for VM creation' },
  { field: 'diskOfferingId', what: 'disk offering', purpose: 'for the replica volumes' },
  { field: 'networkId', what: 'network', purpose: 'for VM creation' },
] as const;

function invalid(field: keyof TargetConfig, value: string, message: string, remedy: string): OsseaError {
  return new OsseaError('config.invalid', message, { field: `target.${field}`, value, remedy });
}

/**
 * The configuration, complete and consistent with what the cloud has.
 * @throws OsseaError config.incomplete naming the first missing choice as field (`target.networkId` …);
 * config.invalid with field and value for a choice that does not exist or does not belong to the zone
 */
export function validateTargetConfig(
  config: Partial<Readonly<Record<keyof TargetConfig, string | undefined>>>,
  discovery: CloudDiscovery,
): TargetConfig {
  for (const { field, what, purpose } of choices) {
    if (config[field]) continue;
    throw new OsseaError('config.incomplete', `No ${what} is chosen ${purpose}.`, {
      field: `target.${field}`,
      remedy: `Choose a ${what} for the target.`,
    });
  }
  const chosen = TargetConfig.parse(config);

  const zone = discovery.zones.find(({ id }) => id === chosen.zoneId);
  if (!zone) {
    throw invalid(
      'zoneId',
      chosen.zoneId,
      `The cloud has no zone ${chosen.zoneId}.`,
      'Choose one of its zones.',
    );
  }

  const service = discovery.serviceOfferings.find(({ id }) => id === chosen.serviceOfferingId);
  if (!service || (service.zoneIds && !service.zoneIds.includes(zone.id))) {
    throw invalid(
      'serviceOfferingId',
      chosen.serviceOfferingId,
      `The service offering ${service?.name ?? chosen.serviceOfferingId} is not there in the zone ${zone.name}.`,
      `Choose a service offering of the zone ${zone.name}.`,
    );
  }

  const disk = discovery.diskOfferings.find(({ id }) => id === chosen.diskOfferingId);
  if (!disk || (disk.zoneIds && !disk.zoneIds.includes(zone.id))) {
    throw invalid(
      'diskOfferingId',
      chosen.diskOfferingId,
      `The disk offering ${disk?.name ?? chosen.diskOfferingId} is not there in the zone ${zone.name}.`,
      `Choose a disk offering of the zone ${zone.name}.`,
    );
  }
  if (!disk.custom) {
    throw invalid(
      'diskOfferingId',
      disk.id,
      `The disk offering ${disk.name} has a fixed size and cannot hold disks of any size.`,
      'Choose a disk offering whose size is given per volume (custom size).',
    );
  }

  const network = discovery.networks.find(({ id }) => id === chosen.networkId);
  if (network?.zoneId !== zone.id) {
    throw invalid(
      'networkId',
      chosen.networkId,
      network
        ? `The network ${network.name} lies in another zone than ${zone.name}.`
        : `The account can use no network ${chosen.networkId}.`,
      `Choose a network of the zone ${zone.name} that VMs can be deployed in.`,
    );
  }

  if (chosen.templateId !== undefined) {
    const copies = discovery.templates.filter(({ id }) => id === chosen.templateId);
    const usable = copies.find(({ ready, zoneId }) => ready && (zoneId === undefined || zoneId === zone.id));
    if (!usable) {
      throw invalid(
        'templateId',
        chosen.templateId,
        `The template ${copies[0]?.name ?? chosen.templateId} is not ready in the zone ${zone.name}.`,
        `Choose a template that is ready in the zone ${zone.name}, or none.`,
      );
    }
  }
  return chosen;
}
