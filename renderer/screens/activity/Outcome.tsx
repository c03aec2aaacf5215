import { IconAlertOctagon, IconCircleCheck, IconLock } from '@tabler/icons-react';
import type { AuditEntry } from '../../../appliance-agent/src/contract/index.ts';
import { outcomeWords } from './auditWords.ts';
import styles from './Outcome.module.css';

const looks = {
  ok: { Icon: IconCircleCheck, color: 'var(--mantine-color-teal-6)' },
  failed: { Icon: IconAlertOctagon, color: 'var(--mantine-color-red-6)' },
  denied: { Icon: IconLock, color: 'var(--mantine-color-orange-6)' },
} as const satisfies Record<AuditEntry['outcome'], unknown>;

/** How it ended, by shape, colour and word. */
export function Outcome({ outcome }: Pick<AuditEntry, 'outcome'>) {
  const { Icon, color } = looks[outcome];
  return (
    <span className={styles.outcome}>
      <Icon size={15} color={color} aria-hidden />
      {outcomeWords[outcome]}
    </span>
  );
}
