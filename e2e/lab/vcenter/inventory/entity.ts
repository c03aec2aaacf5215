import type { Reference, VimValue } from '../soap/value.ts';

/** What every entity of the inventory has beside its own properties. */
export function entityProperties(
  name: string,
  parent: Reference | undefined,
): Record<string, VimValue | (() => VimValue | undefined)> {
  return {
    name,
    ...(parent !== undefined && { parent }),
    overallStatus: 'green',
    configStatus: 'green',
    configIssue: [],
    effectiveRole: [-1],
    permission: [],
    tag: [],
    customValue: [],
    value: [],
    availableField: [],
    recentTask: [],
    declaredAlarmState: [],
    triggeredAlarmState: [],
    alarmActionsEnabled: true,
    disabledMethod: [],
  };
}

/** Percent-encodes what vSphere does not want in a name. */
export function inventoryName(name: string): string {
  return name.replaceAll('%', '%25').replaceAll('/', '%2f').replaceAll('\\', '%5c');
}
