import { Badge } from '@mantine/core';
import { IconAlertOctagon, IconAlertTriangle, IconInfoCircle } from '@tabler/icons-react';
import type { Severity } from '../../appliance-agent/src/contract/index.ts';

const looks = {
  critical: { Icon: IconAlertOctagon, color: 'var(--mantine-color-red-6)', label: 'Critical' },
  warning: { Icon: IconAlertTriangle, color: 'var(--mantine-color-orange-6)', label: 'Warning' },
  info: { Icon: IconInfoCircle, color: 'var(--mantine-color-blue-6)', label: 'Information' },
} as const satisfies Record<Severity, unknown>;

interface Props {
  readonly severity: Severity;
  /** Shown in place of the severity's name, such as a count. */
  readonly text?: string;
}

/** A severity by shape, colour and word. */
export function SeverityBadge({ severity, text }: Props) {
  const { Icon, color, label } = looks[severity];
  return (
    <Badge
      variant="default"
      tt="none"
      fw={500}
      title={label}
      leftSection={<Icon size={13} color={color} aria-label={text === undefined ? undefined : label} />}
    >
      {text ?? label}
    </Badge>
  );
}
