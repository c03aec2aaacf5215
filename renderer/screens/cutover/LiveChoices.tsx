import { Checkbox, NativeSelect, SimpleGrid, TextInput } from '@mantine/core';
import type { ChoicesProps } from './CommonChoices.tsx';
import styles from './choices.module.css';
import type { Choices } from './choices.ts';
import { offered, policyWords, verifyWords } from './choiceWords.ts';

/** When the cutover begins, what happens to the source, what proves the target, and how long there is a way back. */
export function LiveChoices({ choices, problems, onChange }: ChoicesProps) {
  const planned = choices.mode === 'planned';
  const text = (field: keyof Choices, label: string, description?: string) => (
    <TextInput
      label={label}
      description={description}
      inputMode="numeric"
      value={String(choices[field])}
      error={problems[field]}
      onChange={(event) => onChange({ [field]: event.currentTarget.value })}
    />
  );
  return (
    <>
      <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="md" className={styles.choices}>
        <NativeSelect
          label="Cutover"
          data={[
            { value: 'planned', label: 'Planned, nothing is lost' },
            { value: 'unplanned', label: 'Unplanned, without the source' },
          ]}
          value={choices.mode}
          onChange={({ currentTarget: { value } }) =>
            onChange({
              mode: value as Choices['mode'],
              // A source that cannot be reached is not read.
              ...(value === 'unplanned' && choices.verify === 'source' && { verify: 'readback' as const }),
            })
          }
        />
        <NativeSelect
          label="Verify before the VM is made"
          data={offered(verifyWords).filter(({ value }) => planned || value !== 'source')}
          value={choices.verify}
          onChange={({ currentTarget: { value } }) => onChange({ verify: value as Choices['verify'] })}
        />
        <NativeSelect
          label="When"
          data={[
            { value: 'now', label: 'Now' },
            { value: 'at', label: 'At a time' },
            { value: 'window', label: 'In a window that ends' },
          ]}
          value={choices.when}
          onChange={({ currentTarget: { value } }) => onChange({ when: value as Choices['when'] })}
        />
        {choices.when !== 'now' && (
          <TextInput
            type="datetime-local"
            label="Begins at"
            description={
              choices.when === 'at'
                ? 'Given up where it cannot begin within four hours.'
                : 'Empty: as soon as it can.'
            }
            value={choices.startAt}
            withAsterisk={choices.when === 'at'}
            error={choices.startAt !== '' && problems.startAt}
            onChange={(event) => onChange({ startAt: event.currentTarget.value })}
          />
        )}
        {choices.when === 'window' && (
          <TextInput
            type="datetime-local"
            label="Not after"
            description="Later than this the source is not shut down any more."
            value={choices.startBefore}
            withAsterisk
            error={choices.startBefore !== '' && problems.startBefore}
            onChange={(event) => onChange({ startBefore: event.currentTarget.value })}
          />
        )}
      </SimpleGrid>
      {planned && (
        <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="md" className={styles.choices}>
          {text(
            'downtimeBudget',
            'Downtime budget, seconds',
            'Deltas are repeated before the shutdown to meet it.',
          )}
          {text('maxRounds', 'Deltas before it, at most')}
          {text('shutdownTimeout', 'Time to shut down, seconds')}
          <NativeSelect
            label="If it does not shut down"
            data={offered(policyWords)}
            value={choices.shutdownPolicy}
            onChange={({ currentTarget: { value } }) =>
              onChange({ shutdownPolicy: value as Choices['shutdownPolicy'] })
            }
          />
        </SimpleGrid>
      )}
      <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="md" className={styles.choices}>
        {text('commitMinutes', 'Way back for, minutes', 'Until then rollback is one click.')}
        <NativeSelect
          label="When that time ends"
          data={[
            { value: 'ask', label: 'Remind me' },
            { value: 'commit', label: 'Commit if the proof passed' },
          ]}
          value={choices.onCommitTimeout}
          onChange={({ currentTarget: { value } }) =>
            onChange({ onCommitTimeout: value === 'commit' ? 'commit' : 'ask' })
          }
        />
      </SimpleGrid>
      <Checkbox
        label="Fence the source: disconnect its network adapters and rename it, so that it cannot come back by accident"
        checked={choices.fenceSource}
        onChange={(event) => onChange({ fenceSource: event.currentTarget.checked })}
      />
      {!planned && (
        <Checkbox
          label="Go on even if the last cycle was cut off while it wrote: the disks then show no one moment"
          checked={choices.acceptTorn}
          onChange={(event) => onChange({ acceptTorn: event.currentTarget.checked })}
        />
      )}
      {planned && (
        <Checkbox
          label="Go on even if the forecast does not meet the budget"
          checked={choices.acceptForecast}
          onChange={(event) => onChange({ acceptForecast: event.currentTarget.checked })}
        />
      )}
    </>
  );
}
