import { IconAlertOctagon, IconAlertTriangle, IconInfoCircle } from '@tabler/icons-react';
import type { Severity } from '../../appliance-agent/src/contract/index.ts';
import styles from './SeverityBadge.module.css';

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

/** A severity by shape, colour and word; plain, as every row of a table may hold one. */
export function SeverityBadge({ severity, text }: Props) {
  const { Icon, color, label } = looks[severity];
  return (
    <span className={styles.badge} title={label}>
      <Icon size={13} color={color} aria-hidden={text === undefined} aria-label={label} />
      {text ?? label}
    </span>
  );
}
