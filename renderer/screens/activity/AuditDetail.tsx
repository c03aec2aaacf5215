import { Button, Code, Stack, Text } from '@mantine/core';
import { IconCopy } from '@tabler/icons-react';
import { invoke } from '../../app/bridge.ts';
import styles from './AuditDetail.module.css';
import { detailInWords } from './auditDetail.ts';
import type { AuditRow } from './auditFilter.ts';
import { outcomeWords } from './auditWords.ts';

/** All that the agent has noted of one act. */
export function AuditDetail({ row: { entry, act, subject } }: { readonly row: AuditRow }) {
  const facts: readonly (readonly [string, string])[] = [
    ['When', new Date(entry.at).toLocaleString(undefined, { dateStyle: 'full', timeStyle: 'long' })],
    ['Who', entry.actor],
    ['What', act],
    ['On what', subject.name === entry.subject ? subject.name : `${subject.name} (${entry.subject})`],
    ['Outcome', outcomeWords[entry.outcome]],
  ];
  return (
    <Stack gap="sm" p="md" maw={900} style={{ whiteSpace: 'normal', overflowWrap: 'anywhere' }}>
      {entry.detail !== undefined && <Text size="sm">{detailInWords(entry.detail)}</Text>}
      <dl className={styles.facts}>
        {facts.map(([name, text]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{text}</dd>
          </div>
        ))}
        <div>
          <dt>Operation</dt>
          <dd>
            <Code>{entry.action}</Code>
          </dd>
        </div>
      </dl>
      <Button
        size="compact-sm"
        variant="subtle"
        style={{ alignSelf: 'flex-start' }}
        leftSection={<IconCopy size={14} aria-hidden />}
        onClick={() => void invoke('clipboard.write', { text: JSON.stringify(entry, null, 2) })}
      >
        Copy details
      </Button>
    </Stack>
  );
}
