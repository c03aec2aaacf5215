import { Group, Paper, Stack, Text } from '@mantine/core';
import { type Concern, Severity } from '../../../appliance-agent/src/contract/index.ts';
import { SeverityBadge } from '../SeverityBadge.tsx';

const titles = { critical: 'Critical', warning: 'Warnings', info: 'Information' } as const;

/** What speaks against moving a VM by severity, each with its remedy. */
export function Concerns({ concerns }: { readonly concerns: readonly Concern[] }) {
  if (concerns.length === 0) return <Text size="sm">Nothing speaks against it.</Text>;
  return Severity.options.map((severity) => {
    const these = concerns.filter((concern) => concern.severity === severity);
    if (these.length === 0) return null;
    return (
      <Stack key={severity} gap="xs" component="section" aria-label={titles[severity]}>
        <SeverityBadge severity={severity} text={`${titles[severity]} (${these.length})`} />
        {these.map((concern) => (
          <Paper key={`${concern.rule} ${concern.subject}`} withBorder p="sm">
            <Text size="sm" fw={600}>
              {concern.summary}
            </Text>
            <Text size="sm">{concern.remedy}</Text>
            <Group justify="space-between" gap="xs">
              <Text size="xs" c="dimmed">
                {concern.subject}
              </Text>
              <Text size="xs" c="dimmed" ff="monospace">
                {concern.rule}
              </Text>
            </Group>
          </Paper>
        ))}
      </Stack>
    );
  });
}
