import type { Concern, VirtualMachine } from '../contract/index.ts';
import { diskRules, nicRules } from './deviceRules.ts';
import type { Facts } from './facts.ts';
import { hostRules } from './hostRules.ts';
import { byGravity, judge } from './rule.ts';
import { sourceRules } from './sourceRules.ts';
import { targetRules } from './targetRules.ts';
import { vmRules } from './vmRules.ts';

const inventoryRules = [...vmRules, ...diskRules, ...nicRules];

/** What the inventory alone tells of a VM, without a question to anyone; the gravest first. */
export function inventoryConcerns(vm: VirtualMachine): Concern[] {
  return judge(inventoryRules, vm);
}

/** All that speaks against moving a workload as it is, the gravest first. */
export function preflight(facts: Facts): Concern[] {
  const concerns = [
    ...inventoryConcerns(facts.vm).filter(({ rule }) => !toldByHosts.has(rule)),
    ...judge([...sourceRules, ...targetRules, ...hostRules], facts),
  ];
  // A disk that no snapshot holds cannot be read either: one cause is told once.
  const frozen = new Set(concerns.filter(({ rule }) => toldByItself.has(rule)).map(({ subject }) => subject));
  return concerns
    .filter(({ rule, subject }) => rule !== 'disk.unreadable' || !frozen.has(subject))
    .sort(byGravity);
}

/** What the hosts of the target answer, once there is a target. */
const toldByHosts = new Set(['vm.efi', 'vm.secure-boot']);

const toldByItself = new Set(['disk.independent', 'disk.nonpersistent', 'disk.rdm-physical', 'disk.shared']);
