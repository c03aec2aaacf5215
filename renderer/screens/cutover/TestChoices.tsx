import { Checkbox, NativeSelect, SimpleGrid, TextInput } from '@mantine/core';
import type { CloudNetwork } from '../../../appliance-agent/src/contract/index.ts';
import type { ChoicesProps } from './CommonChoices.tsx';
import styles from './choices.module.css';
import type { Choices } from './choices.ts';
import { offered, pointWords, reachNames } from './choiceWords.ts';

const reachWords: Record<Choices['reach'], string> = {
  auto: 'The appliance gets a NIC on the test network until the checks are done, kept apart from its own networks; a check with a host of its own needs none.',
  nic: 'All checks go through a NIC that the appliance gets on the test network until they are done, kept apart from its own networks.',
  direct:
    'The appliance gets no NIC: on an isolated network only an address that leads to the VM can answer.',
};

/** Which point of the source is tested, where, and for how long. */
export function TestChoices({
  choices,
  problems,
  onChange,
  networks,
}: ChoicesProps & { readonly networks: readonly CloudNetwork[] }) {
  const chosen = networks.find(({ id }) => id === choices.networkId);
  return (
    <>
      <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="md" className={styles.choices}>
        <NativeSelect
          label="Point in time"
          data={offered(pointWords)}
          value={choices.point}
          onChange={({ currentTarget: { value } }) => onChange({ point: value as Choices['point'] })}
        />
        <TextInput
          label="Ends by itself after, minutes"
          description="Empty: it stands until somebody ends it."
          inputMode="numeric"
          value={choices.lease}
          error={problems.lease}
          onChange={(event) => onChange({ lease: event.currentTarget.value })}
        />
        <NativeSelect
          label="Network of the test VM"
          disabled={choices.createNetwork}
          data={[
            { value: '', label: 'As in the settings' },
            ...networks.map(({ id, name, kind }) => ({ value: id, label: `${name} (${kind})` })),
          ]}
          value={choices.networkId}
          onChange={(event) => onChange({ networkId: event.currentTarget.value })}
        />
        {chosen && !choices.createNetwork && (
          <TextInput
            label="Only if VMs of production use it: its name"
            description="A test VM beside its own source can do harm, so that such a network is refused otherwise."
            placeholder={chosen.name}
            value={choices.confirmNetwork}
            onChange={(event) => onChange({ confirmNetwork: event.currentTarget.value })}
          />
        )}
      </SimpleGrid>
      <NativeSelect
        label="How the checks reach the VM"
        description={reachWords[choices.reach]}
        data={offered(reachNames)}
        value={choices.reach}
        onChange={({ currentTarget: { value } }) => onChange({ reach: value as Choices['reach'] })}
      />
      <Checkbox
        label="Make an isolated network for this test, and remove it with the test"
        checked={choices.createNetwork}
        onChange={(event) => onChange({ createNetwork: event.currentTarget.checked })}
      />
    </>
  );
}
