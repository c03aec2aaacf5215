import { type Reference, type VimValue, vim } from '../soap/value.ts';

/** ESXi 8.0 Update 2, as hosts and vCenter say it. */
export const hostVersion = { version: '8.0.2', build: '22380479', apiVersion: '8.0.2.0' } as const;

/** `about` of a vCenter or a host. */
export function aboutInfo(apiType: 'VirtualCenter' | 'HostAgent', instanceUuid?: string): VimValue {
  const vcenter = apiType === 'VirtualCenter';
  const { version, build, apiVersion } = hostVersion;
  const name = vcenter ? 'VMware vCenter Server' : 'VMware ESXi';
  return vim('AboutInfo', {
    name,
    fullName: `${name} ${version} build-${build}`,
    vendor: 'VMware, Inc.',
    version,
    build,
    localeVersion: 'INTL',
    localeBuild: '000',
    osType: vcenter ? 'linux-x64' : 'vmnix-x86',
    productLineId: vcenter ? 'vpx' : 'embeddedEsx',
    apiType,
    apiVersion,
    ...(instanceUuid !== undefined && { instanceUuid }),
    licenseProductName: vcenter ? 'VMware VirtualCenter Server' : 'VMware ESX Server',
    licenseProductVersion: '8.0',
  });
}

/** What a host says of itself, beside what every entity has. */
export function hostProperties(ref: Reference, name: string, uuid: string): Record<string, VimValue> {
  const product = aboutInfo('HostAgent');
  const bootTime = new Date(Date.now() - 86_400_000);
  const runtime = vim('HostRuntimeInfo', {
    connectionState: 'connected',
    powerState: 'poweredOn',
    inMaintenanceMode: false,
    bootTime,
  });
  return {
    runtime,
    summary: vim('HostListSummary', {
      host: ref,
      hardware: vim('HostHardwareSummary', {
        vendor: 'Lab',
        model: 'Lab 1U',
        uuid,
        memorySize: 2 ** 38,
        cpuModel: 'Lab CPU @ 2.40GHz',
        cpuMhz: 2400,
        numCpuPkgs: 2,
        numCpuCores: 32,
        numCpuThreads: 64,
        numNics: 4,
        numHBAs: 2,
      }),
      runtime,
      config: vim('HostConfigSummary', {
        name,
        port: 443,
        product,
        vmotionEnabled: true,
        faultToleranceEnabled: false,
      }),
      quickStats: vim('HostListSummaryQuickStats', {}),
      overallStatus: 'green',
      rebootRequired: false,
    }),
  };
}
