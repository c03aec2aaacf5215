import { useEffect, useState } from 'react';
import type { Problem } from '../../../appliance-agent/src/contract/index.ts';
import type { DeployProgress } from '../../../electron/ipc/contract.ts';
import { listen } from '../../app/bridge.ts';

type StepName = DeployProgress['step'];

export interface DeployStep {
  readonly name: StepName;
  readonly title: string;
  readonly state: 'pending' | DeployProgress['state'];
  readonly output: string;
  readonly problem: Problem | undefined;
}

const titles: readonly (readonly [StepName, string])[] = [
  ['connect', 'Connect'],
  ['inspect', 'Look at the machine'],
  ['upload', 'Upload the agent'],
  ['install', 'Install it'],
  ['start', 'Start it'],
  ['token', 'Issue an access token'],
  ['verify', 'Reach it through the tunnel'],
];

export const noSteps: readonly DeployStep[] = titles.map(([name, title]) => ({
  name,
  title,
  state: 'pending',
  output: '',
  problem: undefined,
}));

/** The steps after an event. A first step that begins again begins a new run. */
export function takeProgress(steps: readonly DeployStep[], progress: DeployProgress): readonly DeployStep[] {
  const { step, state, output, problem } = progress;
  const anew = step === 'connect' && state === 'running' && steps.some((each) => each.state === 'failed');
  return (anew ? noSteps : steps).map((each) =>
    each.name === step ? { ...each, state, problem, output: each.output + output } : each,
  );
}

export type DeploymentState = 'idle' | 'running' | 'done' | 'failed';

export function stateOf(steps: readonly DeployStep[]): DeploymentState {
  if (steps.some(({ state }) => state === 'failed')) return 'failed';
  if (steps.every(({ state }) => state === 'done')) return 'done';
  return steps.every(({ state }) => state === 'pending') ? 'idle' : 'running';
}

/** Follows the installation of an appliance's agent. */
export function useDeployment(applianceId: string | undefined) {
  const [steps, setSteps] = useState(noSteps);
  useEffect(() => {
    setSteps(noSteps);
    return listen('deploy.progress', (progress) => {
      if (progress.applianceId === applianceId) setSteps((before) => takeProgress(before, progress));
    });
  }, [applianceId]);
  return { steps, state: stateOf(steps) };
}
