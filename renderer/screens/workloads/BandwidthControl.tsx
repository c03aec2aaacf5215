import { Slider, Text } from '@mantine/core';
import { useEffect, useId, useState } from 'react';
import type { Workload } from '../../../appliance-agent/src/contract/index.ts';
import { tellProblem } from '../../components/tellProblem.ts';
import { useAgentMutation } from '../../queries/agent.ts';
import { limitAt, limitLabel, stepOf, unlimitedStep } from './bandwidthSteps.ts';

interface Props {
  readonly applianceId: string;
  readonly workload: Workload;
  /** Why nothing can be changed now. */
  readonly readOnly: string | undefined;
}

const marks = [
  { value: 0, label: '1 MiB/s' },
  { value: 4, label: '16' },
  { value: 8, label: '256' },
  { value: unlimitedStep, label: 'None' },
];

/** The most that the copy of a workload may take, over all its disks; a running copy follows at once. */
export function BandwidthControl({ applianceId, workload, readOnly }: Props) {
  const id = useId();
  const { bandwidthLimit } = workload.settings;
  const [step, setStep] = useState(() => stepOf(bandwidthLimit));
  const [touched, setTouched] = useState(false);
  const update = useAgentMutation(applianceId, 'updateWorkload', ['getWorkload', 'listWorkloads']);
  const { isPending } = update;
  useEffect(() => {
    // An answer to an earlier move shall not throw the thumb back while a later one is on its way.
    if (isPending) return;
    setStep(stepOf(bandwidthLimit));
    setTouched(false);
  }, [bandwidthLimit, isPending]);

  const save = (next: number) =>
    update.mutate(
      { params: { id: workload.id }, body: { bandwidthLimit: limitAt(next) ?? null } },
      { onError: tellProblem },
    );
  return (
    <div>
      <Text size="sm" id={id} mb={6}>
        Bandwidth limit: <strong>{limitLabel(touched ? limitAt(step) : bandwidthLimit)}</strong>
      </Text>
      <Slider
        aria-labelledby={id}
        thumbProps={{ 'aria-labelledby': id }}
        thumbValueText={(value) => limitLabel(limitAt(value))}
        min={0}
        max={unlimitedStep}
        step={1}
        marks={marks}
        label={(value) => limitLabel(limitAt(value))}
        disabled={readOnly !== undefined}
        {...(readOnly !== undefined && { title: readOnly })}
        value={step}
        onChange={(next) => {
          setStep(next);
          setTouched(true);
        }}
        onChangeEnd={save}
        styles={{ markLabel: { color: 'var(--mantine-color-dimmed)' } }}
        mb={24}
        mx={14}
      />
    </div>
  );
}
