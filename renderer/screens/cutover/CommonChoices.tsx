import { NativeSelect, SimpleGrid, Textarea, TextInput } from '@mantine/core';
import styles from './choices.module.css';
import type { Choices, Problems } from './choices.ts';
import { hardwareWords, offered } from './choiceWords.ts';

export interface ChoicesProps {
  readonly choices: Choices;
  readonly problems: Problems;
  readonly onChange: (change: Partial<Choices>) => void;
}

/** What both a test and a cutover need to know: how the guest is made ready, and what shows that it came up. */
export function CommonChoices({ choices, problems, onChange }: ChoicesProps) {
  return (
    <>
      <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="md" className={styles.choices}>
        <NativeSelect
          label="Prepare the guest"
          description="Drivers, boot loader, VMware Tools."
          data={[
            { value: 'virt-v2v', label: 'With virt-v2v' },
            { value: 'none', label: 'Not at all' },
          ]}
          value={choices.conversion}
          onChange={({ currentTarget: { value } }) =>
            onChange({ conversion: value === 'none' ? 'none' : 'virt-v2v' })
          }
        />
        <NativeSelect
          label="Hardware on the target"
          data={offered(hardwareWords)}
          value={choices.hardware}
          onChange={({ currentTarget: { value } }) => onChange({ hardware: value as Choices['hardware'] })}
        />
      </SimpleGrid>
      <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="md" className={styles.choices}>
        <Textarea
          label="What shows that it came up"
          description="One check a line: ping, tcp 22, tcp 10.1.0.5:443. None: that the VM runs. CloudStack tells nothing of a guest agent."
          autosize
          minRows={2}
          maxRows={6}
          value={choices.checks}
          error={problems.checks}
          onChange={(event) => onChange({ checks: event.currentTarget.value })}
        />
        <TextInput
          label="Time to come up, seconds"
          description="A Windows guest restarts several times at its first boot."
          inputMode="numeric"
          value={choices.bootPatience}
          error={problems.bootPatience}
          onChange={(event) => onChange({ bootPatience: event.currentTarget.value })}
        />
      </SimpleGrid>
    </>
  );
}
