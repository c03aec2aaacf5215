import type { Lab } from './lab.ts';
import type { LabVm } from './vcenter/vcenter.ts';

/** All that a program needs to use a running lab, as one JSON document. */
export function describeForPrograms({ vcenter, cloud, dir, seed }: Lab): object {
  return {
    dir,
    seed,
    vcenter: {
      url: vcenter.url,
      username: vcenter.username,
      password: vcenter.password,
      fingerprint: vcenter.fingerprint,
      vms: vcenter.vms.map((vm) => ({
        name: vm.name,
        moRef: vm.moRef,
        instanceUuid: vm.instanceUuid,
        powerState: vm.powerState,
        disks: vm.disks.map(({ key, label, capacityBytes }) => ({ key, label, capacityBytes })),
      })),
    },
    cloud: {
      url: cloud.url,
      fingerprint: cloud.fingerprint,
      apiKey: cloud.apiKey,
      secretKey: cloud.secretKey,
      adminApiKey: cloud.adminApiKey,
      adminSecretKey: cloud.adminSecretKey,
      devicesDir: cloud.devicesDir,
      applianceVmId: cloud.applianceVmId,
      applianceMacs: cloud.applianceMacs,
      defaults: cloud.defaults,
    },
  };
}

/** The same for a person at a terminal. */
export function describeForPeople({ vcenter, cloud, dir, seed }: Lab, chaos: string): string {
  const rows: [string, string][] = [
    ['vCenter', vcenter.url],
    ['  user', vcenter.username],
    ['  password', vcenter.password],
    ['  SHA-256', vcenter.fingerprint],
    ...vcenter.vms.map((vm, index): [string, string] => [index === 0 ? '  VMs' : '', describeVm(vm)]),
    ['', ''],
    ['CloudStack', cloud.url],
    ...(cloud.fingerprint === undefined ? [] : [['  SHA-256', cloud.fingerprint] satisfies [string, string]]),
    ['  API key', cloud.apiKey],
    ['  secret key', cloud.secretKey],
    ['  administrator', cloud.adminApiKey],
    ['  its secret', cloud.adminSecretKey],
    ['  zone', cloud.defaults.zoneId],
    ['  offerings', `compute ${cloud.defaults.serviceOfferingId}`],
    ['', `disk    ${cloud.defaults.diskOfferingId}`],
    ['  network', cloud.defaults.networkId],
    ['  template', cloud.defaults.templateId],
    ['', ''],
    ['For an agent', `OSSEA_DEVICE_DIR=${cloud.devicesDir}`],
    ['', `OSSEA_APPLIANCE_MACS=${cloud.applianceMacs.join(',')}`],
    ['', ''],
    ['Chaos', `${chaos}, seed ${seed}`],
    ['Bytes', dir],
  ];
  const lines = rows.map(([label, value]) => `${label.padEnd(17)}${value}`.trimEnd());
  return ['The lab is ready.', '', ...lines, '', 'Ctrl-C ends it and removes its bytes.'].join('\n');
}

function describeVm(vm: LabVm): string {
  const sizes = vm.disks.map((disk) => describeSize(disk.capacityBytes));
  const power = vm.powerState === 'poweredOn' ? 'on' : 'off';
  return `${vm.name.padEnd(18)} ${vm.moRef.padEnd(8)} ${power.padEnd(4)} ${sizes.join(', ')}`;
}

/** Odd sizes must look odd: whole MiB, and the bytes beyond. */
function describeSize(bytes: number): string {
  const [mebibytes, rest] = [Math.floor(bytes / 2 ** 20), bytes % 2 ** 20];
  return rest === 0 ? `${mebibytes} MiB` : `${mebibytes} MiB + ${rest}`;
}
