/** The steps of the first run, in order. Each can be left out and is reminded of later. */
export const firstRunSteps = [
  { name: 'appliance', title: 'Appliance', reminder: 'Connect an appliance', path: '/appliances?new=1' },
  {
    name: 'vcenter',
    title: 'vCenter',
    reminder: 'Add a vCenter account and give it to the appliance',
    path: '/appliances',
  },
  {
    name: 'cloudstack',
    title: 'CloudStack',
    reminder: 'Add a CloudStack account and give it to the appliance',
    path: '/appliances',
  },
  {
    name: 'defaults',
    title: 'Target defaults',
    reminder: 'Choose the cloud’s defaults',
    path: '/appliances',
  },
] as const;

export type FirstRunStep = (typeof firstRunSteps)[number]['name'];

/** What a step cannot do without, in words; undefined: it can be done. */
export function obstacleOf(
  step: FirstRunStep,
  { connected, hasTarget }: { readonly connected: boolean; readonly hasTarget: boolean },
): string | undefined {
  if (step === 'defaults' && !hasTarget)
    return 'The defaults are chosen out of what the cloud has: add a cloud first.';
  if (step === 'defaults' && !connected)
    return 'The defaults are read through the appliance: connect it first.';
  return undefined;
}
