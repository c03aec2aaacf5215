import { Button, Group, NumberInput } from '@mantine/core';
import { useState } from 'react';
import type { Limits } from '../../../appliance-agent/src/contract/index.ts';
import { Panel } from '../../components/Panel.tsx';
import { tellProblem } from '../../components/tellProblem.ts';
import { useAgentMutation, useAgentQuery } from '../../queries/agent.ts';
import { useReadOnly } from '../../queries/useReadOnly.ts';

const mebibyte = 2 ** 20;

/** Limits over all jobs of an appliance; running copies follow at once. */
export function LimitsPanel({ applianceId }: { readonly applianceId: string }) {
  const limits = useAgentQuery(applianceId, 'getLimits', {}).data?.data;
  return (
    <Panel title="Limits">
      {limits && <LimitsForm key={JSON.stringify(limits)} applianceId={applianceId} limits={limits} />}
    </Panel>
  );
}

function LimitsForm({ applianceId, limits }: { readonly applianceId: string; readonly limits: Limits }) {
  const [jobs, setJobs] = useState<number | string>(limits.concurrentJobs);
  const [disks, setDisks] = useState<number | string>(limits.concurrentDisks);
  const [rate, setRate] = useState<number | string>(
    limits.bandwidthLimit === undefined ? '' : Math.round(limits.bandwidthLimit / mebibyte),
  );
  const save = useAgentMutation(applianceId, 'putLimits', ['getLimits']);
  const readOnly = useReadOnly(applianceId);
  const submit = () =>
    save.mutate(
      {
        body: {
          concurrentJobs: Number(jobs),
          concurrentDisks: Number(disks),
          ...(rate !== '' && { bandwidthLimit: Number(rate) * mebibyte }),
        },
      },
      { onError: tellProblem },
    );
  return (
    <Group align="flex-end" gap="sm">
      <NumberInput label="Jobs at a time" w={130} min={1} max={64} value={jobs} onChange={setJobs} />
      <NumberInput
        label="Disks at a time, each job"
        w={190}
        min={1}
        max={64}
        value={disks}
        onChange={setDisks}
      />
      <NumberInput
        label="Bandwidth, MiB/s"
        placeholder="No limit"
        w={160}
        min={1}
        value={rate}
        onChange={setRate}
      />
      <Button
        variant="default"
        loading={save.isPending}
        disabled={readOnly !== undefined || jobs === '' || disks === ''}
        title={readOnly}
        onClick={submit}
      >
        Save limits
      </Button>
    </Group>
  );
}
