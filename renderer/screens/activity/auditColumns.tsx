import { Link } from 'react-router';
import { Ago } from '../../components/Ago.tsx';
import type { DataColumn } from '../../components/DataTable.tsx';
import links from '../../components/tableLink.module.css';
import styles from './auditColumns.module.css';
import { detailInWords } from './auditDetail.ts';
import type { AuditRow } from './auditFilter.ts';
import { outcomeWords } from './auditWords.ts';
import { Outcome } from './Outcome.tsx';

/** The columns of the audit log. */
export const auditColumns: readonly DataColumn<AuditRow>[] = [
  {
    id: 'when',
    header: 'When',
    width: 106,
    always: true,
    // The agent counts its entries: two of one moment keep their order.
    value: ({ entry }) => entry.id,
    cell: ({ entry }) => <Ago at={entry.at} />,
  },
  { id: 'who', header: 'Who', width: 158, value: ({ entry }) => entry.actor },
  { id: 'what', header: 'What', width: 196, always: true, value: ({ act }) => act },
  {
    id: 'subject',
    header: 'On what',
    width: 132,
    value: ({ subject }) => subject.name,
    cell: ({ subject, entry }) =>
      subject.path === undefined ? (
        <span title={subject.name}>{subject.name}</span>
      ) : (
        <Link
          className={links.link}
          to={subject.path}
          tabIndex={-1}
          title={`${subject.name} (${entry.subject})`}
        >
          {subject.name}
        </Link>
      ),
  },
  {
    id: 'outcome',
    header: 'Outcome',
    width: 146,
    grow: true,
    value: ({ entry }) => outcomeWords[entry.outcome],
    cell: ({ entry }) => (
      <span title={entry.detail && detailInWords(entry.detail)}>
        <Outcome outcome={entry.outcome} />
        {entry.detail !== undefined && <span className={styles.detail}>{detailInWords(entry.detail)}</span>}
      </span>
    ),
  },
  { id: 'operation', header: 'Operation', width: 150, hidden: true, value: ({ entry }) => entry.action },
  { id: 'id', header: 'Subject ID', width: 290, hidden: true, value: ({ entry }) => entry.subject },
];
