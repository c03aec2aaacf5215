import { SeverityBadge } from '../../components/SeverityBadge.tsx';
import styles from './vmColumns.module.css';
import type { VmRow } from './vmRow.ts';

interface Props {
  readonly row: VmRow;
  readonly onOpen: (row: VmRow) => void;
}

/** How many concerns a VM has, and how grave; opens the list with the remedies. */
export function ConcernsButton({ row, onOpen }: Props) {
  const count = row.hints.length;
  const words = count === 0 ? 'None known' : count === 1 ? '1 concern' : `${count} concerns`;
  return (
    <button
      type="button"
      className={styles.concerns}
      tabIndex={-1}
      aria-label={`Readiness of ${row.name}: ${words}`}
      onClick={(event) => {
        event.stopPropagation();
        onOpen(row);
      }}
    >
      {row.worst ? (
        <SeverityBadge severity={row.worst} text={words} />
      ) : (
        <span className={styles.dimmed}>{words}</span>
      )}
    </button>
  );
}
