import { IconUserExclamation } from '@tabler/icons-react';
import styles from './NextText.module.css';
import type { NextAct } from './workloadRow.ts';

/** What is to be done with a workload, marked where it wants somebody. */
export function NextText({ next }: { readonly next: NextAct }) {
  return (
    <span className={styles.next} title={next.text}>
      {next.urgent && (
        <IconUserExclamation
          size={15}
          color="var(--mantine-color-orange-6)"
          aria-label="Needs someone"
          className={styles.icon}
        />
      )}
      <span className={styles.text}>{next.text}</span>
    </span>
  );
}
