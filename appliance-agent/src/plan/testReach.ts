import type { BootCheck, TestReach } from '../contract/index.ts';

/** What decides how a test's checks reach its VM. */
export interface ReachFacts {
  readonly wanted: TestReach;
  readonly checks: readonly BootCheck[];
  /** Where the VM has the address that is tried; undefined where it is on no network. */
  readonly network:
    | {
        /** Undefined for one that is yet to be made. */
        readonly id: string | undefined;
        readonly name: string;
        /** `Isolated`, `L2`, `Shared`. */
        readonly kind: string;
        /** Undefined where CloudStack does not tell. */
        readonly account: string | undefined;
      }
    | undefined;
  /** The appliance's VM with the networks that it is on by itself; undefined where it is not known. */
  readonly appliance:
    | { readonly account: string | undefined; readonly networkIds: readonly string[] }
    | undefined;
}

/** How the checks reach the VM: `none` where they cannot, and how they could. */
export type ChosenReach =
  | { readonly kind: 'unneeded' | 'direct' | 'nic'; readonly reason: string }
  | { readonly kind: 'none'; readonly reason: string; readonly remedy: string };

/** Whether a check goes the way that is chosen here; one with a host of its own goes over the appliance's networks unless a NIC is asked for. */
export function goesByReach({ host }: BootCheck, wanted: TestReach): boolean {
  return wanted === 'nic' || (wanted === 'auto' && host === undefined);
}

/**
 * How a test's checks reach its VM. Over the appliance's own networks an isolated network is not reached, and what answers at the VM's address there may be
 * the original. CloudStack gives a VM one NIC on a network, and to ordinary accounts only where both are the account's
 * (UserVmManagerImpl.addNicToVirtualMachine).
 */
export function chooseReach({ wanted, checks, network, appliance }: ReachFacts): ChosenReach {
  if (checks.length === 0) return { kind: 'unneeded', reason: 'No check is asked for.' };
  if (!checks.some((check) => goesByReach(check, wanted))) {
    return { kind: 'direct', reason: 'The checks go over the appliance’s own networks.' };
  }
  if (!network || network.kind === 'L2') {
    const where = network ? `on ${network.name}, a network of the kind L2` : 'for the test’s VM';
    return {
      kind: 'none',
      reason: `CloudStack gives no addresses ${where}, so that the appliance cannot reach it by a NIC.`,
      remedy: 'Test on an isolated network, or give the checks a host that the appliance reaches.',
    };
  }
  if (!appliance) {
    return {
      kind: 'none',
      reason: 'The VM of this appliance is not known in CloudStack, so that it can get no NIC.',
      remedy: 'Name the appliance’s VM in the target’s settings.',
    };
  }
  if (network.id !== undefined && appliance.networkIds.includes(network.id)) {
    return { kind: 'direct', reason: `The appliance is on ${network.name} itself.` };
  }
  const foreign =
    network.account !== undefined && appliance.account !== undefined && network.account !== appliance.account;
  if (foreign && network.kind !== 'Shared') {
    return {
      kind: 'none',
      reason: `${network.name} is of the account ${network.account}, the appliance’s VM of ${appliance.account}: CloudStack gives it no NIC there.`,
      remedy: `Test on a network of ${appliance.account}, or give the checks a host that the appliance reaches.`,
    };
  }
  return {
    kind: 'nic',
    reason: `The appliance gets a NIC on ${network.name} until the checks are done.`,
  };
}
