import { X509Certificate } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { makeCertificate, type ServerCertificate } from '../certificate.ts';
import { noFaults, type VcenterFaults } from './faults.ts';
import type { LabVcenter, LabVm } from './handles.ts';
import { aboutInfo } from './inventory/host.ts';
import { Places } from './inventory/places.ts';
import { PlainObject, Site } from './inventory/site.ts';
import { knownPrivileges, managers } from './methods/sessionMethods.ts';
import type { VcenterCall, VcenterOptions } from './options.ts';
import { CallLog, Chances } from './service/calls.ts';
import type { Core } from './service/core.ts';
import { livingExports } from './service/nfcLease.ts';
import { rateLimiter } from './service/sendFile.ts';
import { HttpServer } from './service/server.ts';
import { Sessions } from './service/sessions.ts';
import { Tasks } from './service/tasks.ts';
import { Reference, vim } from './soap/value.ts';
import type { LabVmSpec } from './spec.ts';
import { buildVm, isAt, syntheticSpec } from './vm/buildVm.ts';
import type { VirtualMachine } from './vm/virtualMachine.ts';

export { chaosFaults, noFaults, type VcenterFaults } from './faults.ts';
export type { DiskMoment, LabDisk, LabSnapshot, LabVcenter, LabVm } from './handles.ts';
export type { VcenterCall, VcenterOptions } from './options.ts';
export type { DiskFill, GuestActivity, LabDiskSpec, LabNicSpec, LabVmSpec } from './spec.ts';
export { guestLogRecord, readGuestLog } from './vm/guest.ts';

class Vcenter implements LabVcenter {
  readonly username: string;
  readonly password: string;
  readonly #core: Core;
  readonly #server: HttpServer;
  readonly #dataDir: string;
  readonly #named: VirtualMachine[] = [];
  #certificate: ServerCertificate;

  constructor(
    core: Core,
    server: HttpServer,
    certificate: ServerCertificate,
    dataDir: string,
    credentials: { username: string; password: string },
  ) {
    this.#core = core;
    this.#server = server;
    this.#certificate = certificate;
    this.#dataDir = dataDir;
    this.username = credentials.username;
    this.password = credentials.password;
  }

  get url(): string {
    return `${this.origin}/sdk`;
  }

  get origin(): string {
    return `https://${this.#core.authority}`;
  }

  get fingerprint(): string {
    return this.#certificate.fingerprint;
  }

  get vms(): readonly LabVm[] {
    return this.#named;
  }

  get faults(): VcenterFaults {
    return this.#core.site.faults;
  }

  get calls(): readonly VcenterCall[] {
    return this.#core.log.calls;
  }

  get folderBytes(): number {
    return this.#core.folderBytes;
  }

  get nfcBytes(): number {
    return this.#core.nfcBytes;
  }

  get livingExports(): number {
    return livingExports(this.#core.site).length;
  }

  get sessionCount(): number {
    return this.#core.sessions.all.length;
  }

  vm(name: string): LabVm {
    // After a rename the specification's name still finds it.
    const found =
      this.#named.find((vm) => vm.name === name) ?? this.#named.find((vm) => vm.spec.name === name);
    if (found === undefined) throw new Error(`the lab's vCenter has no VM “${name}”`);
    return found;
  }

  async addVm(spec: LabVmSpec): Promise<LabVm> {
    const { site, places, vms, trackingBlockBytes } = this.#core;
    const vm = await buildVm(site, places, spec, trackingBlockBytes);
    vms.set(vm.ref.value, vm);
    this.#named.push(vm);
    return vm;
  }

  expireSessions(): number {
    return this.#core.sessions.endAll();
  }

  async changeCertificate(): Promise<string> {
    this.#certificate = await makeCertificate('vcenter.lab');
    this.#core.thumbprint = thumbprintOf(this.#certificate);
    this.#server.presentCertificate(this.#certificate);
    return this.fingerprint;
  }

  cutConnections(): void {
    this.#server.cutConnections();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#core.sessions.endAll();
    for (const lease of livingExports(this.#core.site)) lease.close();
    await this.#server.close();
    await this.#core.tasks.settled();
    for (const vm of this.#core.vms.values()) await vm.close();
    await rm(this.#dataDir, { recursive: true, force: true });
  }
}

/**
 * Starts a vCenter on loopback, with real bytes on disk.
 * @throws Error when the port is taken or a disk cannot be made
 */
export async function startVcenter(options: VcenterOptions): Promise<LabVcenter> {
  const seed = options.seed ?? 1;
  const credentials = {
    username: options.username ?? 'administrator@vsphere.local',
    password: options.password ?? 'vCenter-lab-1!',
  };
  await mkdir(options.dataDir, { recursive: true });
  const site = new Site(seed, { ...noFaults, ...options.faults });
  const chances = new Chances(seed, site.faults);
  const certificate = await makeCertificate('vcenter.lab');
  const rate = options.readRateBytesPerSecond;
  const core: Core = {
    site,
    places: new Places(site, options.dataDir),
    vms: new Map(),
    sessions: new Sessions({ ...credentials, idleSeconds: options.sessionIdleSeconds ?? 1800 }, site.faults),
    tasks: new Tasks(site, chances),
    chances,
    log: new CallLog(options.onCall),
    instanceUuid: site.uuid('vcenter'),
    trackingBlockBytes: options.trackingBlockBytes ?? 65_536,
    folderBytes: 0,
    nfcBytes: 0,
    throttle: rate === undefined ? undefined : rateLimiter(rate),
    authority: '',
    thumbprint: thumbprintOf(certificate),
  };
  core.places.vmsOf = (place) => [...core.vms.values()].filter((vm) => isAt(vm, place)).map((vm) => vm.ref);
  addManagers(core);
  const server = await HttpServer.listen(core, certificate, options.port ?? 0);
  core.authority = `127.0.0.1:${server.port}`;
  const vcenter = new Vcenter(core, server, certificate, options.dataDir, credentials);
  try {
    for (const spec of options.vms) await vcenter.addVm(spec);
    for (let number = 1; number <= (options.inventorySize ?? 0); number += 1) {
      const vm = await buildVm(site, core.places, syntheticSpec(number), core.trackingBlockBytes);
      core.vms.set(vm.ref.value, vm);
    }
  } catch (error) {
    await vcenter[Symbol.asyncDispose]();
    throw error;
  }
  return vcenter;
}

function addManagers(core: Core): void {
  const content = {
    about: aboutInfo('VirtualCenter', core.instanceUuid),
    rootFolder: core.places.rootFolder.ref,
    ...managers,
  };
  core.site.add(
    new PlainObject(new Reference('ServiceInstance', 'ServiceInstance'), {
      content: vim('ServiceContent', content),
      serverClock: () => new Date(),
    }),
  );
  for (const ref of Object.values(managers))
    core.site.add(new PlainObject(ref, managerProperties(core, ref)));
}

function managerProperties(core: Core, ref: Reference): ConstructorParameters<typeof PlainObject>[1] {
  switch (ref.type) {
    case 'SessionManager':
      return {
        sessionList: () => core.sessions.all.map((session) => session.toUserSession()),
        message: '',
        defaultLocale: 'en',
      };
    case 'TaskManager':
      return { recentTask: () => core.tasks.recentOf(undefined), maxCollector: 32 };
    case 'AuthorizationManager':
      return {
        privilegeList: knownPrivileges.map((privId) =>
          vim('AuthorizationPrivilege', {
            privId,
            onParent: false,
            name: privId.slice(privId.lastIndexOf('.') + 1),
            privGroupName: privId.slice(0, privId.lastIndexOf('.')),
          }),
        ),
        roleList: [
          vim('AuthorizationRole', {
            roleId: -1,
            system: true,
            name: 'Admin',
            info: vim('Description', { label: 'Administrator', summary: 'Full access rights' }),
            privilege: knownPrivileges,
          }),
        ],
      };
    case 'CustomFieldsManager':
      return { field: [] };
    default:
      return {};
  }
}

/** SHA-1 as VDDK and tickets spell it. */
function thumbprintOf({ cert }: ServerCertificate): string {
  return new X509Certificate(cert).fingerprint;
}
