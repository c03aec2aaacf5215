import { Grid, Group, Stack, Text } from '@mantine/core';
import { DiskProgressTable } from '../../components/job/DiskProgressTable.tsx';
import { EvidenceTable } from '../../components/job/EvidenceTable.tsx';
import { JobActions } from '../../components/job/JobActions.tsx';
import { JobCause } from '../../components/job/JobCause.tsx';
import { isOver } from '../../components/job/jobWords.ts';
import { StepList } from '../../components/job/StepList.tsx';
import type { JobRow } from './jobColumns.tsx';

interface Props {
  readonly applianceId: string;
  readonly row: JobRow;
  /** Why nothing can be changed now. */
  readonly readOnly: string | undefined;
}

/** What one wants to know of a job without leaving the list. */
export function JobSummary({ applianceId, row: { job, place, live }, readOnly }: Props) {
  return (
    <Stack gap="sm" p="md" maw={1100} style={{ whiteSpace: 'normal' }}>
      {place !== undefined && <Text size="sm">Number {place} in the queue.</Text>}
      <JobCause job={job} />
      <Grid gap="lg">
        <Grid.Col span={{ base: 12, lg: 4 }}>
          <StepList steps={job.steps} live={live && !isOver(job)} told={job.problem?.detail} />
        </Grid.Col>
        {job.kind !== 'cleanup' && (
          <Grid.Col span={{ base: 12, lg: 8 }}>
            {isOver(job) && job.reports.length > 0 ? (
              <EvidenceTable reports={job.reports} />
            ) : (
              <DiskProgressTable job={job} live={live} />
            )}
          </Grid.Col>
        )}
      </Grid>
      <Group gap="xs">
        <JobActions applianceId={applianceId} job={job} readOnly={readOnly} />
      </Group>
    </Stack>
  );
}
