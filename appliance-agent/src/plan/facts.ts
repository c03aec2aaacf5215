import type {
  CloudDiscovery,
  CloudId,
  DeviceKey,
  MissingPrivilege,
  Problem,
  SourceEndpoint,
  TargetEndpoint,
  TransportChoice,
  VirtualMachine,
  Workload,
} from '../contract/index.ts';

/** A VM that the target has already. */
export interface TargetVm {
  readonly name: string;
  /** Lower case. */
  readonly macAddresses: readonly string[];
  /** In its networks; undefined where it does not matter. */
  readonly hostName?: string | undefined;
  readonly networkIds?: readonly CloudId[] | undefined;
  /** By what it has booted; undefined where it does not run, or is not told. */
  readonly firmware?: 'bios' | 'uefi' | 'uefi-secure' | undefined;
}

/** All that is known of a workload and of both sides before it moves. */
export interface Facts {
  readonly workload: Workload;
  readonly vm: VirtualMachine;
  readonly source: SourceEndpoint;
  readonly target: TargetEndpoint;
  readonly cloud: CloudDiscovery;
  /** Of the zone, as far as the account sees them. */
  readonly targetVms: readonly TargetVm[];
  /** The other workloads that go to the same target. */
  readonly others: readonly Workload[];
  /** What keeps the target's configuration from being valid. */
  readonly configProblem: Problem | undefined;
  /** How each disk would be read, or why it cannot. */
  readonly transports: ReadonlyMap<DeviceKey, TransportChoice | Problem>;
  readonly missingPrivileges: readonly MissingPrivilege[];
  /** Server clock minus the agent's, seconds. */
  readonly clockSkew: { readonly source: number; readonly target: number | undefined };
  /** The VM's ESXi host. */
  readonly host: { readonly name: string; readonly version: string; readonly build: number } | undefined;
  readonly datastores: readonly {
    readonly name: string;
    readonly capacityBytes: number | undefined;
    readonly freeBytes: number | undefined;
  }[];
}
